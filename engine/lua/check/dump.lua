#!lua no-writes
-- Whole keys (names without prefix), for a dump. Of a stream the newest `tail` entries.
-- KEYS: prefix
-- ARGV: tail:int names*
-- Returns: for each: type ttl_ms content (flat; a stream's as id, field, value) (packed)
--@include lib/pack.lua
local READ = {
  string = function(key) return { redis.call('GET', key) } end,
  hash = function(key) return redis.call('HGETALL', key) end,
  list = function(key) return redis.call('LRANGE', key, 0, -1) end,
  set = function(key) return redis.call('SMEMBERS', key) end,
  zset = function(key) return redis.call('ZRANGE', key, 0, -1, 'WITHSCORES') end,
  stream = function(key)
    local flat, rows = {}, redis.call('XREVRANGE', key, '+', '-', 'COUNT', tail)
    for i = #rows, 1, -1 do
      for n = 1, #rows[i][2], 2 do
        flat[#flat + 1] = rows[i][1]
        flat[#flat + 1] = rows[i][2][n]
        flat[#flat + 1] = rows[i][2][n + 1]
      end
    end
    return flat
  end,
}
local shown = {}
for _, name in ipairs(names) do
  local key = T .. ':' .. name
  local kind = redis.call('TYPE', key).ok
  shown[#shown + 1] = kind
  shown[#shown + 1] = redis.call('PTTL', key)
  shown[#shown + 1] = READ[kind] and READ[kind](key) or {}
end
return pack(shown)
