#!lua
-- Forget a fact about a user.
-- KEYS: prefix
-- ARGV: uid name
-- Returns: ok | gone
return redis.call('DEL', T .. ':u:' .. uid .. ':' .. name) == 1 and 'ok' or 'gone'
