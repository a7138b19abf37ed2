#!lua
-- A render has ended or was never begun: its slot is free. Harmless to repeat.
-- KEYS: prefix
-- ARGV: key holder uid
-- Returns: ok | gone (it had no slot)
local freed = redis.call('ZREM', T .. ':lim:s:' .. key, holder)
redis.call('ZREM', T .. ':lim:u:' .. uid, holder)
return freed == 1 and 'ok' or 'gone'
