#!lua no-writes
-- Small facts of keys (names without prefix): how long they live, and whether what they belong to is there.
-- KEYS: prefix
-- ARGV: names*
-- Returns: for each: ttl_ms (-2 gone) word owner (1 there, 0 not, '' has none) (packed)
--@include lib/pack.lua
local BELONGS = { d = true, p = true, h = true, hi = true, ha = true }
local OF_USER = { l = true, lx = true, uj = true, q = true }

local function owner(kind, rest)
  if BELONGS[kind] then return '', redis.call('EXISTS', T .. ':j:' .. rest) end
  if OF_USER[kind] then return '', redis.call('EXISTS', T .. ':a:' .. rest) end
  if kind == 'j' then
    local uid = redis.call('HGET', T .. ':j:' .. rest, 'uid') or ''
    local known = redis.call('EXISTS', T .. ':a:' .. uid) == 1 and redis.call('ZSCORE', T .. ':uj:' .. uid, rest)
    return uid, known and 1 or 0
  end
  if kind == 'i' then
    local job = redis.call('GET', T .. ':i:' .. rest)
    return job, redis.call('EXISTS', T .. ':j:' .. job)
  end
  if kind == 'w' then
    local mark = redis.call('GET', T .. ':w:' .. rest)
    return (string.gsub(mark, ' (%S+) (%d+) (%d)', function(job, ep, lost)
      return table.concat({ '', job, ep, lost, redis.call('HGET', T .. ':j:' .. job, 'ep') or '' }, ' ')
    end)), ''
  end
  return '', ''
end

local shown = {}
for _, name in ipairs(names) do
  local ttl = redis.call('PTTL', T .. ':' .. name)
  local kind, rest = string.match(name, '^([^:]+):?(.*)$')
  local word, there = '', ''
  if ttl ~= -2 then word, there = owner(kind, rest) end
  shown[#shown + 1] = ttl
  shown[#shown + 1] = word
  shown[#shown + 1] = tostring(there)
end
return pack(shown)
