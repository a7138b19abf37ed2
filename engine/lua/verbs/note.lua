#!lua
-- A fenced checkpoint inside a state: another document and what is told with it, no transition.
-- KEYS: prefix
-- ARGV: job epoch:int seq:int op doc deadline:int now:int outbox*
-- Returns: ok | replayed | fenced | stale | gone
--@include lib/job.lua
--@include lib/tell.lua
local g = job_guards(T, job)
if not g then return 'gone' end
local refused = job_refusal(g, epoch, seq)
if refused then return refused end
if op_known(g, op) then return 'replayed' end
if g.own == '' then return 'fenced' end

redis.call('HSET', T .. ':j:' .. job, 'op', op_kept(g, op), 'dl', deadline)
redis.call('SET', T .. ':d:' .. job, doc)
tell_all(T, outbox, now)
return 'ok'
