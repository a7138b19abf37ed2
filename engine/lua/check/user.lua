#!lua no-writes
-- Everything of one user, as of one moment: account, ledger, line, and each job with all its keys.
-- `jobs` adds jobs that the user's own keys may have forgotten.
-- KEYS: prefix
-- ARGV: uid jobs*
-- Returns: account rows externals index index_ttl line ready jobs (packed)
--@include lib/pack.lua
local wanted, order = {}, {}
local function want(id)
  if not wanted[id] then
    wanted[id] = true
    order[#order + 1] = id
  end
end

local rows = redis.call('LRANGE', T .. ':l:' .. uid, 0, -1)
local index = redis.call('ZRANGE', T .. ':uj:' .. uid, 0, -1)
local line = redis.call('LRANGE', T .. ':q:' .. uid, 0, -1)
for _, id in ipairs(jobs) do want(id) end
for _, id in ipairs(index) do want(id) end
for _, id in ipairs(line) do want(id) end
local open = {}
for _, row in ipairs(rows) do
  local kind, id = string.match(row, '^%["(%a+)","([^"]+)"')
  -- in a long row a quote inside a text is escaped: these words stand only where the row itself has them
  if not id then
    kind, id = string.match(row, '"kind":"(%a+)"'), string.match(row, '"job":"([^"]+)"')
  end
  if id then open[id] = kind == 'hold' or nil end
end
for id in pairs(open) do want(id) end

local shown = {}
for i, id in ipairs(order) do
  local ttls = {}
  for n, part in ipairs({ 'j', 'd', 'p', 'h', 'hi' }) do
    ttls[n] = redis.call('PTTL', T .. ':' .. part .. ':' .. id)
  end
  shown[i] = { id, redis.call('HGETALL', T .. ':j:' .. id), redis.call('GET', T .. ':d:' .. id) or '',
    redis.call('GET', T .. ':p:' .. id) or '', redis.call('LRANGE', T .. ':h:' .. id, 0, -1), ttls,
    redis.call('ZSCORE', T .. ':t', id) or '', redis.call('ZSCORE', T .. ':qz', id) or '' }
end
return pack({ redis.call('HGETALL', T .. ':a:' .. uid), rows, redis.call('HKEYS', T .. ':lx:' .. uid), index,
  redis.call('PTTL', T .. ':uj:' .. uid), line, redis.call('ZSCORE', T .. ':rdy', uid) or '', shown })
