#!lua no-writes
-- Credits of a user, and the newest rows of their ledger.
-- KEYS: prefix
-- ARGV: uid rows:int
-- Returns: free held rows (oldest first)
local got = redis.call('HMGET', T .. ':a:' .. uid, 'bal', 'held')
local shown = rows > 0 and redis.call('LRANGE', T .. ':l:' .. uid, -rows, -1) or {}
return { got[1] or '0', got[2] or '0', shown }
