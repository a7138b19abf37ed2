-- Outbox entries that come with a write: flat lane, id, coalesce word, body.

--@include lib/queue.lua

local function tell_all(T, entries, now)
  for i = 1, #entries, 4 do
    queue_put(T, 'ob', entries[i], entries[i + 1], entries[i + 3], now, entries[i + 2])
  end
end
