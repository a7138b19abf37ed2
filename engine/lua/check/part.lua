#!lua no-writes
-- A partition's sums at one moment: contra accounts and counters; of a small one also what they must equal
-- (all accounts added up, live jobs by state). `limit` bounds how long the server may be held up by it.
-- KEYS: prefix
-- ARGV: limit:int contras*
-- Returns: ctl contra_balances counters total ('' = not added up) states ('' = not counted, or flat)
local balances = {}
for i, name in ipairs(contras) do balances[i] = redis.call('HGET', T .. ':a:' .. name, 'bal') or '0' end

local total = ''
if redis.call('DBSIZE') <= limit then
  local sum = 0
  for _, key in ipairs(redis.call('KEYS', T .. ':a:*')) do
    local got = redis.call('HMGET', key, 'bal', 'held')
    sum = sum + (tonumber(got[1] or '0') or 0) + (tonumber(got[2] or '0') or 0)
  end
  total = string.format('%.0f', sum)
end

local states = ''
if redis.call('ZCARD', T .. ':t') + redis.call('ZCARD', T .. ':qz') <= limit then
  local found = {}
  for _, index in ipairs({ 't', 'qz' }) do
    for _, id in ipairs(redis.call('ZRANGE', T .. ':' .. index, 0, -1)) do
      local st = redis.call('HGET', T .. ':j:' .. id, 'st')
      if st then found[st] = (found[st] or 0) + 1 end
    end
  end
  states = {}
  for st, n in pairs(found) do
    states[#states + 1] = st
    states[#states + 1] = tostring(n)
  end
end
return { redis.call('HGETALL', T .. ':ctl'), balances, redis.call('HGETALL', T .. ':c'), total, states }
