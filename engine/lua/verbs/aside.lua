#!lua
-- Keep the record of something that moved nothing (denied, repeated) beside a job's history. Sent twice it
-- is kept twice: it is evidence, not a move. Its key always has a lifetime of its own.
-- KEYS: prefix
-- ARGV: job record keep:int retain_ms:int
-- Returns: kept | gone
local key = T .. ':ha:' .. job
if redis.call('EXISTS', T .. ':j:' .. job) == 0 then return 'gone' end
redis.call('RPUSH', key, record)
redis.call('LTRIM', key, -keep, -1)
redis.call('PEXPIRE', key, retain_ms)
return 'kept'
