#!lua no-writes
-- An ordered queue counted at one moment, unless that would take too long.
-- KEYS: prefix
-- ARGV: name limit:int
-- Returns: entries_said counted (-1 = more lanes than limit)
local lanes = T .. ':' .. name .. ':lanes'
local said = redis.call('HGET', T .. ':' .. name .. ':q', 'n') or '0'
if redis.call('ZCARD', lanes) > limit then return { said, '-1' } end
local counted = 0
for _, lane in ipairs(redis.call('ZRANGE', lanes, 0, -1)) do
  counted = counted + redis.call('LLEN', T .. ':' .. name .. ':o:' .. lane)
end
return { said, tostring(counted) }
