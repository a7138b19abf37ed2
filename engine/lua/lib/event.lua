-- What every transition leaves behind for others: the event feed T:ev and the live counters T:c.

--@include lib/once.lua

-- Ids follow the engine's clock. After a step back of that clock they go on from the newest one.
local function event_add(T, now, feed_ms, body)
  local feed = T .. ':ev'
  local id = string.format('%.0f-*', now)
  local added = redis.pcall('XADD', feed, id, 'e', body)
  if type(added) == 'table' and added.err then
    local newest = redis.call('XREVRANGE', feed, '+', '-', 'COUNT', 1)[1][1]
    redis.call('XADD', feed, string.match(newest, '^%d+') .. '-*', 'e', body)
  end
  trim_later(feed, string.format('%.0f-0', math.max(0, now - feed_ms)))
end

-- How often each edge was taken; what stands in each state follows from it.
local function count_move(T, source, target, edge)
  add_later(T .. ':c', source .. '|' .. target .. '|' .. edge, 1)
end
