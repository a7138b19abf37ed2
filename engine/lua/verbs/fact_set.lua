#!lua
-- Remember a small fact about a user (language, conversation, draft).
-- KEYS: prefix
-- ARGV: uid name value ttl_ms:int
-- Returns: ok
redis.call('SET', T .. ':u:' .. uid .. ':' .. name, value, 'PX', ttl_ms)
return 'ok'
