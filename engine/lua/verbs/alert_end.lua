#!lua
-- An incident is over, unless it was seen again since `last`.
-- KEYS: prefix
-- ARGV: fp last:int
-- Returns: ok | again | gone
--@include lib/alert.lua
local seen = redis.call('ZSCORE', T .. ':al:open', fp)
if not seen then return 'gone' end
if tonumber(seen) > last then return 'again' end
alert_forget(T, fp)
return 'ok'
