#!lua
-- A worker stops for good. A job it claimed without ever hearing of it (the answer came too late) goes back
-- at once; those it knows of it has parked before.
-- KEYS: prefix
-- ARGV: worker now:int
-- Returns: ok
--@include lib/job.lua
--@include lib/ready.lua
--@include lib/timer.lua
local mark = T .. ':w:' .. worker
local id, ep = string.match(redis.call('GET', mark) or '', '^%S+ (%S+) (%d+) %d$')
local g = id and job_guards(T, id)
redis.call('DEL', mark)
if g and g.own == worker and g.ep == tonumber(ep) then
  redis.call('HSET', T .. ':j:' .. id, 'own', '')
  if g.st == 'queued' then ready_push(T, g.uid, id, true) end
  timer_wake(T, id, g.st == 'queued' and g.dl or now, now)
end
return 'ok'
