#!lua no-writes
-- The records of a job, oldest first: the submit, then its transitions.
-- KEYS: prefix
-- ARGV: job
-- Returns: records
return redis.call('LRANGE', T .. ':h:' .. job, 0, -1)
