#!lua
-- Facts that turn up after a job has ended (a late video, its cost): the document changes, the state does
-- not. The job is kept as long again.
-- KEYS: prefix
-- ARGV: job seq:int op doc now:int retain_ms:int outbox*
-- Returns: ok | replayed | stale | gone
--@include lib/job.lua
--@include lib/tell.lua
local g = job_guards(T, job)
if not g then return 'gone' end
if op_known(g, op) then return 'replayed' end
if g.seq ~= seq or not TERMINAL[g.st] then return 'stale' end

redis.call('HSET', T .. ':j:' .. job, 'op', op_kept(g, op))
redis.call('SET', T .. ':d:' .. job, doc)
redis.call('DEL', T .. ':p:' .. job)
job_expire(T, job, retain_ms)
if redis.call('PTTL', T .. ':uj:' .. g.uid) >= 0 then redis.call('PEXPIRE', T .. ':uj:' .. g.uid, retain_ms) end
tell_all(T, outbox, now)
return 'ok'
