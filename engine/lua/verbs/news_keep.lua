#!lua
-- Keep a notice for the return of its user, who is gone. `turn` numbers the takes that brought it: a keeping that
-- comes late neither undoes a later one nor brings back what was heard meanwhile. The oldest makes room.
-- KEYS: prefix
-- ARGV: uid id turn:int body ttl_ms:int most:int
-- Returns: ok | known (this turn or a later one came before)
--@include lib/news.lua
local key = news_key(T, uid)
local last = redis.call('HGET', key, id)
if last and news_turn(last) >= turn then return 'known' end
if not last and redis.call('HLEN', key) >= most then news_make_room(key) end
redis.call('HSET', key, id, string.format('%.0f', turn) .. ' ' .. body)
redis.call('PEXPIRE', key, ttl_ms)
return 'ok'
