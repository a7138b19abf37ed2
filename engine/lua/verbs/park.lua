#!lua
-- Give the lease up without a transition; only the due time moves. A queued job due now goes back to the
-- front of its line. Hints that came meanwhile make the job due at once.
-- KEYS: prefix
-- ARGV: job epoch:int seq:int now:int due:int hints_seen:int
-- Returns: ok | fenced | stale | gone
--@include lib/job.lua
--@include lib/ready.lua
--@include lib/timer.lua
local g = job_guards(T, job)
if not g then return 'gone' end
local refused = job_refusal(g, epoch, seq)
if refused then return refused end
if g.own == '' then return 'ok' end

redis.call('HSET', T .. ':j:' .. job, 'own', '')
redis.call('LTRIM', T .. ':hi:' .. job, hints_seen, -1)
local hinted = redis.call('EXISTS', T .. ':hi:' .. job) == 1
if g.st == 'queued' and due <= now and not hinted then
  ready_push(T, g.uid, job, true)
  timer_wake(T, job, g.dl, now)
else
  timer_wake(T, job, hinted and now or due, now)
end
return 'ok'
