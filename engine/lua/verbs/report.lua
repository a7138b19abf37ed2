#!lua
-- What a call to the provider showed: ok (it worked), alive (refused for reasons of its own), rate (429),
-- down (unavailable), key (no rights or balance), unclear (says nothing). Counted once per op.
-- KEYS: prefix
-- ARGV: op key model kind why now:int after_ms:int closed_ms:int closed_max_ms:int failures:int
--   window_ms:int open_ms:int open_max_ms:int off_ms:int off_max_ms:int budget:int earned:int refill_ms:int
-- Returns: until what is shut now because of this ('0' = nothing)
--@include lib/limits.lua
local done = redis.call('GET', T .. ':lim:op:' .. op)
if done then return done end
local all, mine = T .. ':lim:all', T .. ':lim:k:' .. key
local breaker = T .. ':lim:b:' .. key .. '|' .. model
local till = 0
lim_name(T, key, model)
if kind == 'ok' or kind == 'alive' then
  redis.call('DEL', breaker, mine)
  if kind == 'ok' then
    redis.call('HDEL', all, 'closed_n')
    lim_set_tokens(T, now, math.min(budget, lim_tokens(T, now, budget, refill_ms) + earned))
  end
elseif kind == 'rate' then
  local before, n = lim_number(all, 'closed'), lim_number(all, 'closed_n')
  if before <= now then n = n + 1 end -- several answers of one burst are one refusal
  till = math.max(before, now + (after_ms > 0 and after_ms or lim_grow(closed_ms, n - 1, closed_max_ms)))
  redis.call('HSET', all, 'closed', string.format('%.0f', till), 'closed_n', n, 'why', why)
elseif kind == 'down' then
  local fresh = lim_number(breaker, 'since') + window_ms < now
  local n = fresh and 1 or lim_number(breaker, 'n') + 1
  local open, probed = lim_number(breaker, 'open'), lim_number(breaker, 'probe') > 0
  redis.call('HSET', breaker, 'n', n, 'probe', 0)
  if fresh then redis.call('HSET', breaker, 'since', now) end
  if open <= now and (probed or n >= failures) then
    local opens = lim_number(breaker, 'opens')
    till = now + math.max(after_ms, lim_grow(open_ms, opens, open_max_ms))
    redis.call('HSET', breaker, 'open', string.format('%.0f', till), 'opens', opens + 1, 'why', why)
  else
    till = math.max(open, 0)
  end
  redis.call('PEXPIRE', breaker, math.max(window_ms, open_max_ms) * 2)
elseif kind == 'key' then
  local before, n = lim_number(mine, 'off_until'), lim_number(mine, 'off_n')
  till = before
  if before <= now then
    till = now + lim_grow(off_ms, n, off_max_ms)
    redis.call('HSET', mine, 'off_n', n + 1)
  end
  redis.call('HSET', mine, 'off', why, 'off_until', string.format('%.0f', till), 'probe', 0)
else
  for _, state in ipairs({ breaker, mine }) do
    if redis.call('EXISTS', state) == 1 then redis.call('HSET', state, 'probe', 0) end
  end
end
local answer = string.format('%.0f', till)
lim_once(T, op, answer)
return answer
