#!lua
-- Pause launches in this partition, or let them go on ('' as reason).
-- KEYS: prefix
-- ARGV: why
-- Returns: ok
redis.call('HSET', T .. ':ctl', 'paused', why)
return 'ok'
