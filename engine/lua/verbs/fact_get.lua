#!lua no-writes
-- What was remembered about a user under this name.
-- KEYS: prefix
-- ARGV: uid name
-- Returns: value | nil
return redis.call('GET', T .. ':u:' .. uid .. ':' .. name)
