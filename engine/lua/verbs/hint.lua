#!lua
-- A signal from outside (callback, user came back): kept with the job, which becomes due now, or as soon
-- as its worker lets it go. The same hint twice is one.
-- KEYS: prefix
-- ARGV: job hint now:int
-- Returns: ok | known | over | full | gone
--@include lib/job.lua
--@include lib/timer.lua
local HINTS_MAX = 16
local g = job_guards(T, job)
if not g then return 'gone' end
if TERMINAL[g.st] then return 'over' end
local hints = T .. ':hi:' .. job
if redis.call('LPOS', hints, hint) then return 'known' end
if redis.call('LLEN', hints) >= HINTS_MAX then return 'full' end

redis.call('RPUSH', hints, hint)
if g.own == '' and not g.qt then timer_wake(T, job, now, now) end
return 'ok'
