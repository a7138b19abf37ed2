#!lua
-- Move a waiting live job to another graph version; its state, money and timer stay. The history says it.
-- `edge`: by which it came where it stands ('submit' = it is new); the other graph must have it too.
-- KEYS: prefix
-- ARGV: job epoch:int seq:int op graph target edge record
-- Returns: ok | replayed | busy (a worker holds it) | fenced | stale | illegal | gone
--@include lib/job.lua
--@include lib/legal.lua
local g = job_guards(T, job)
if not g then return 'gone' end
if g.seq > seq and was_done(T, job, seq + 1, op) then return 'replayed' end
local refused = job_refusal(g, epoch, seq)
if refused then return refused end
if TERMINAL[g.st] or g.gv ~= graph then return 'stale' end
if g.own ~= '' then return 'busy' end
if g.qt or not edge_leads_here(T, target, edge, g.st) then return 'illegal' end

redis.call('HSET', T .. ':j:' .. job, 'gv', target, 'seq', seq + 1)
redis.call('RPUSH', T .. ':h:' .. job, record)
return 'ok'
