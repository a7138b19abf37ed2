#!lua
-- A notice that was kept in this turn is on its way again, or was heard. Its turn stays known.
-- KEYS: prefix
-- ARGV: uid id turn:int
-- Returns: ok | known (it was not kept, or kept again since)
--@include lib/news.lua
local key = news_key(T, uid)
local last = redis.call('HGET', key, id)
if not last or news_turn(last) ~= turn then return 'known' end
redis.call('HSET', key, id, string.format('%.0f', turn) .. ' ')
return 'ok'
