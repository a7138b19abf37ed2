#!lua
-- Take the heads of due lanes under a lease; renew what the reader still holds. Idempotent by take_id.
-- KEYS: prefix
-- ARGV: name reader take_id now:int lease_ms:int limit:int held*
-- Returns: next_due ('' = nothing queued), then id lane token attempts state ('' = no such job) body for
--   each entry
--@include lib/queue_take.lua
local last = queue_key(T, name, 'r:' .. reader)
local recorded = redis.call('GET', last)
local hands = recorded and string.match(recorded, '^' .. string.gsub(take_id, '%W', '%%%0') .. '\n(.*)$')
local answer = {}
local lanes = queue_key(T, name, 'lanes')
if hands then
  answer = queue_show(T, name, hands)
else
  for at = 1, #held, 2 do
    if queue_holds(T, name, held[at], held[at + 1]) == 'ok' then
      redis.call('ZADD', lanes, 'XX', now + lease_ms, held[at])
    end
  end
  if limit > 0 then
    hands = queue_closed_until(T, name) <= now and queue_take_due(T, name, now, lease_ms, limit, answer) or ''
    redis.call('SET', last, take_id .. '\n' .. hands, 'PX', 600000)
  end
end
local due = queue_next_due(T, name)
-- More is due than one reader takes at once: the next waiter goes on (chain wake, no herd).
if due ~= '' and tonumber(due) <= now then queue_ring(T, name, now) end
table.insert(answer, 1, due)
return answer
