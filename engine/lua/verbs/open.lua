#!lua
-- Record a new store's shape, or tell the shape it was created with.
-- KEYS: prefix
-- ARGV: partitions:int schema:int
-- Returns: partitions schema (as recorded)
local ctl = T .. ':ctl'
redis.call('HSETNX', ctl, 'partitions', partitions)
redis.call('HSETNX', ctl, 'schema', schema)
return redis.call('HMGET', ctl, 'partitions', 'schema')
