#!lua no-writes
-- A page of the key names of the server that has this partition.
-- KEYS: prefix
-- ARGV: cursor pattern count:int
-- Returns: cursor names
return redis.call('SCAN', cursor, 'MATCH', pattern, 'COUNT', count)
