#!lua
-- A worker stops for good: its claim mark goes. Its jobs were parked before, or their leases run out.
-- KEYS: prefix
-- ARGV: worker
-- Returns: ok
redis.call('DEL', T .. ':w:' .. worker)
return 'ok'
