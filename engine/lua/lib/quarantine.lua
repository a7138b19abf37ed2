-- Jobs set aside: something about them contradicts itself, so no worker may touch them until a person has
-- looked. Guard field qt says why; T:qz holds job -> since when. They are in no other place meanwhile.

--@include lib/job.lua
--@include lib/ready.lua

-- Whoever holds it is fenced. The money stays where it is.
local function quarantine(T, id, g, why, now)
  local key = T .. ':j:' .. id
  redis.call('HSET', key, 'qt', why, 'own', '')
  redis.call('HINCRBY', key, 'ep', 1)
  redis.call('ZREM', T .. ':t', id)
  if g.uid then ready_drop(T, g.uid, id) end
  redis.call('ZADD', T .. ':qz', now, id)
end
