#!lua no-writes
-- The limits of a provider as they stand: one JSON text.
-- KEYS: prefix
-- ARGV: now:int budget:int refill_ms:int
-- Returns: JSON {closed_until, why, tokens, keys: [..], breakers: [..]}
--@include lib/limits.lua
local all = T .. ':lim:all'
local shown = { closed_until = lim_number(all, 'closed'), why = redis.call('HGET', all, 'why') or '',
  tokens = lim_tokens(T, now, budget, refill_ms), keys = {}, breakers = {} }
local names = redis.call('SMEMBERS', T .. ':lim:names')
table.sort(names)
for _, name in ipairs(names) do
  local key, model = string.match(name, '^([^|]*)|(.*)$')
  if key then
    local state = T .. ':lim:b:' .. name
    shown.breakers[#shown.breakers + 1] = { key = key, model = model, failures = lim_number(state, 'n'),
      open_until = lim_number(state, 'open'), probe_until = lim_number(state, 'probe') }
  else
    local state = T .. ':lim:k:' .. name
    shown.keys[#shown.keys + 1] = { key = name, off = redis.call('HGET', state, 'off') or '',
      off_until = lim_number(state, 'off_until'),
      running = redis.call('ZCOUNT', T .. ':lim:s:' .. name, '(' .. string.format('%.0f', now), '+inf') }
  end
end
return cjson.encode(shown)
