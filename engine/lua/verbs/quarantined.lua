#!lua no-writes
-- Jobs that were set aside, the oldest first.
-- KEYS: prefix
-- ARGV: limit:int
-- Returns: flat job, since, why
local shown = {}
local rows = redis.call('ZRANGE', T .. ':qz', 0, limit - 1, 'WITHSCORES')
for i = 1, #rows, 2 do
  shown[#shown + 1] = rows[i]
  shown[#shown + 1] = rows[i + 1]
  shown[#shown + 1] = redis.call('HGET', T .. ':j:' .. rows[i], 'qt') or ''
end
return shown
