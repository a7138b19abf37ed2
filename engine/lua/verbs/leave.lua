#!lua
-- A worker stops for good. Jobs it claimed without ever hearing of them (the answer came too late) go back
-- at once; those it knows of it has parked before.
-- KEYS: prefix
-- ARGV: worker now:int
-- Returns: ok
--@include lib/job.lua
--@include lib/ready.lua
--@include lib/timer.lua
local mark = T .. ':w:' .. worker
for id, ep in string.gmatch(redis.call('GET', mark) or '', ' (%S+) (%d+) %d') do
  local g = job_guards(T, id)
  if g and g.own == worker and g.ep == tonumber(ep) then
    redis.call('HSET', T .. ':j:' .. id, 'own', '')
    if g.st == 'queued' then ready_push(T, g.uid, id, true) end
    timer_wake(T, id, g.st == 'queued' and g.dl or now, now)
  end
end
redis.call('DEL', mark)
return 'ok'
