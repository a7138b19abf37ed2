#!lua
-- A job that was set aside goes back to where workers find it: the front of its line, or due now.
-- KEYS: prefix
-- ARGV: job now:int
-- Returns: ok | known (it is not set aside) | gone
--@include lib/quarantine.lua
--@include lib/timer.lua
local g = job_guards(T, job)
if not g then return 'gone' end
if not g.qt then return 'known' end
redis.call('HDEL', T .. ':j:' .. job, 'qt')
redis.call('ZREM', T .. ':qz', job)
if g.st == 'queued' then ready_push(T, g.uid, job, true) end
timer_wake(T, job, g.st == 'queued' and g.dl or now, now)
return 'ok'
