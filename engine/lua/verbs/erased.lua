#!lua no-writes
-- Films whose owners deleted their data, so that every machine can drop its copy.
-- KEYS: prefix
-- ARGV: since:int
-- Returns: SHA-256 of each, in the order in which they were erased
return redis.call('ZRANGE', T .. ':er', string.format('%.0f', since), '+inf', 'BYSCORE')
