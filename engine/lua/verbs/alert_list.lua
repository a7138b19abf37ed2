#!lua no-writes
-- Open incidents, the one seen last first.
-- KEYS: prefix
-- ARGV: limit:int
-- Returns: incidents as alert_note shows them
--@include lib/alert.lua
local shown = {}
for i, fp in ipairs(redis.call('ZREVRANGE', T .. ':al:open', 0, limit - 1)) do shown[i] = alert_show(T, fp) end
return shown
