#!lua
-- Leave to make one create call and a slot for its render, or when to ask again. Idempotent by op.
-- KEYS: prefix
-- ARGV: op key model holder uid retry:flag now:int creates:int window_ms:int per_key:int per_user:int
--   lease_ms:int probe_ms:int budget:int refill_ms:int
-- Returns: ok | wait until why (closed key_off breaker slots user budget rate)
--@include lib/limits.lua
if redis.call('EXISTS', T .. ':lim:op:' .. op) == 1 then return { 'ok' } end
local all, mine = T .. ':lim:all', T .. ':lim:k:' .. key
local breaker = T .. ':lim:b:' .. key .. '|' .. model
local slots, user = T .. ':lim:s:' .. key, T .. ':lim:u:' .. uid
local function refuse(till, why)
  return { 'wait', string.format('%.0f', till), why }
end

local till = lim_number(all, 'closed')
if till > now then return refuse(till, 'closed') end
local off = lim_number(mine, 'off_until')
till = off > 0 and lim_shut(mine, 'off_until', now) or 0
if till > 0 then return refuse(till, 'key_off') end
local open = lim_number(breaker, 'open')
till = open > 0 and lim_shut(breaker, 'open', now) or 0
if till > 0 then return refuse(till, 'breaker') end
till = lim_full(slots, holder, per_key, now)
if till > 0 then return refuse(till, 'slots') end
till = lim_full(user, holder, per_user, now)
if till > 0 then return refuse(till, 'user') end
local tokens = retry and lim_tokens(T, now, budget, refill_ms) or 0
if retry and tokens < 1000 then return refuse(now + math.ceil((1000 - tokens) * refill_ms / 1000), 'budget') end
till = lim_rate(T, key, creates, window_ms, now)
if till > 0 then return refuse(till, 'rate') end

for _, zset in ipairs({ slots, user }) do
  redis.call('ZREMRANGEBYSCORE', zset, '-inf', now)
  redis.call('ZADD', zset, now + lease_ms, holder)
  redis.call('PEXPIRE', zset, lease_ms)
end
redis.call('RPUSH', T .. ':lim:r:' .. key, now)
redis.call('LTRIM', T .. ':lim:r:' .. key, -creates, -1)
if retry then lim_set_tokens(T, now, tokens - 1000) end
-- What was shut and is due is tried by this call alone, until its answer or the probe's time.
if off > 0 then redis.call('HSET', mine, 'probe', now + probe_ms) end
if open > 0 then redis.call('HSET', breaker, 'probe', now + probe_ms) end
lim_name(T, key, model)
lim_once(T, op, 'ok')
return { 'ok' }
