#!lua
-- The operator has heard of an incident, as of count n.
-- KEYS: prefix
-- ARGV: fp n:int now:int
-- Returns: ok | gone
local incident = T .. ':al:i:' .. fp
if redis.call('EXISTS', incident) == 0 then return 'gone' end
redis.call('HSET', incident, 'told_n', n, 'told_ms', now, 'lease', 0)
redis.call('HINCRBY', incident, 'tellings', 1)
return 'ok'
