#!lua no-writes
-- What was kept for a user and has not been heard.
-- KEYS: prefix
-- ARGV: uid
-- Returns: flat id, turn, body
--@include lib/news.lua
local all, kept = redis.call('HGETALL', news_key(T, uid)), {}
for i = 1, #all, 2 do
  local turn, body = string.match(all[i + 1], '^(%d+) (.+)$')
  if turn then
    kept[#kept + 1], kept[#kept + 2], kept[#kept + 3] = all[i], turn, body
  end
end
return kept
