#!lua no-writes
-- When the first of these keys could start a render again, by what is shut, full or spent.
-- KEYS: prefix
-- ARGV: now:int creates:int window_ms:int per_key:int slot_ms:int keys*
-- Returns: time ('0' = now)
--@include lib/limits.lua
local closed = lim_number(T .. ':lim:all', 'closed')
local best = nil
for _, key in ipairs(keys) do
  -- a slot may come back long before its lease ends: look again soon
  local full = math.min(lim_full(T .. ':lim:s:' .. key, '', per_key, now), now + slot_ms)
  local till = math.max(
    lim_shut(T .. ':lim:k:' .. key, 'off_until', now), full, lim_rate(T, key, creates, window_ms, now))
  best = math.min(best or till, till)
end
local till = math.max(best or 0, closed > now and closed or 0)
return string.format('%.0f', till)
