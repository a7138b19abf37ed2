#!lua no-writes
-- Jobs that have not ended, by the time they next need a worker (or their lease ends).
-- KEYS: prefix
-- ARGV: limit:int
-- Returns: flat time, job as read answers it
--@include lib/job.lua
local shown = {}
local timers = redis.call('ZRANGE', T .. ':t', 0, limit - 1, 'WITHSCORES')
for i = 1, #timers, 2 do
  shown[#shown + 1] = timers[i + 1]
  shown[#shown + 1] = job_show(T, timers[i])
end
return shown
