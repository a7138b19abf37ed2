#!lua no-writes
-- Why launches are paused.
-- KEYS: prefix
-- ARGV:
-- Returns: reason ('' = they are not)
return redis.call('HGET', T .. ':ctl', 'paused') or ''
