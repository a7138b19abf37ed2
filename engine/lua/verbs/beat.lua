#!lua
-- Renew the leases of a worker's jobs in one call; answers those it no longer has.
-- KEYS: prefix
-- ARGV: worker now:int lease_ms:int held*
-- Returns: lost job ids (held is flat: job, epoch)
local lost = {}
for i = 1, #held, 2 do
  local got = redis.call('HMGET', T .. ':j:' .. held[i], 'ep', 'own')
  if got[1] == held[i + 1] and got[2] == worker then
    redis.call('ZADD', T .. ':t', now + lease_ms, held[i])
  else
    lost[#lost + 1] = held[i]
  end
end
return lost
