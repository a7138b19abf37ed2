#!lua
-- The right to tell an incident now, so that only one process does; it lapses if that one dies.
-- `tellings` is how often it had been told when that was decided.
-- KEYS: prefix
-- ARGV: fp tellings:int now:int lease_ms:int
-- Returns: ok | taken | gone
local incident = T .. ':al:i:' .. fp
if redis.call('EXISTS', incident) == 0 then return 'gone' end
if tonumber(redis.call('HGET', incident, 'lease') or '0') > now then return 'taken' end
if tonumber(redis.call('HGET', incident, 'tellings')) ~= tellings then return 'taken' end
redis.call('HSET', incident, 'lease', now + lease_ms)
return 'ok'
