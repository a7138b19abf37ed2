#!lua
-- Leave to make one create call each and a slot for its render, or when to ask again. `asks`: holder, uid and
-- '1' for a retry, each, served in their order. Idempotent by op.
-- KEYS: prefix
-- ARGV: op key model now:int creates:int window_ms:int per_key:int per_user:int lease_ms:int probe_ms:int
--   budget:int refill_ms:int asks*
-- Returns: for each: until why, '0' and '' = ok (closed key_off breaker slots user budget rate)
--@include lib/permit_one.lua
local known = redis.call('GET', T .. ':lim:op:' .. op)
if known then return permit_known(known) end
local p = permit_open(T, key, model, now, #asks / 3, { creates = creates, window_ms = window_ms, per_key = per_key,
  per_user = per_user, lease_ms = lease_ms, probe_ms = probe_ms, budget = budget, refill_ms = refill_ms })
local answers = {}
for at = 1, #asks, 3 do
  local till, why = permit_one(p, asks[at], asks[at + 1], asks[at + 2] == '1')
  answers[#answers + 1], answers[#answers + 2] = string.format('%.0f', till), why
end
if p.passed > 0 then
  permit_write(p)
  lim_name(T, key, model)
  lim_once(T, op, table.concat(answers, ' '))
end
return answers
