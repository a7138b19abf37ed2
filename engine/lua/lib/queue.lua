-- Ordered queues: strictly in order within a lane, one entry of a lane in flight, at least once.
-- Everything of queue `name` (ob, in) of a partition lives under T:<name>: (T is the tag prefix):
--   q        hash   n = entries, seq = places and tokens given so far, closed = until (ms), full = refused
--   lanes    zset   lane -> ms when its head may be taken (put, lease end or delay)
--   bell     zset   doorbell; the score is what fell due
--   o:<lane> list   places in order; the head is the one in flight, if any
--   e:<lane> hash   <place> -> the entry (lib/queue_entry.lua), i:<id> and w:<word> -> place,
--                   f = "<token> <attempts> <id>" of the head since its first take, without token when it waits
--   s:<id>   string marker of a once seen id, with a TTL; r:<reader> string, the reader's last take
-- Guaranteed: a queued or remembered id is not put twice; an entry stays until it is acknowledged.

--@include lib/once.lua
--@include lib/queue_entry.lua

local QUEUE_LANE_MAX = 1000

local function queue_key(T, name, rest)
  return T .. ':' .. name .. ':' .. rest
end

local CALLED = {}

-- Wake one waiting reader. LT keeps the earliest reason when nobody has answered the bell yet.
local function queue_ring(T, name, due)
  local bell = queue_key(T, name, 'bell')
  if CALLED[bell] and CALLED[bell] <= due then return end
  CALLED[bell] = due
  redis.call('ZADD', bell, 'LT', due, 'b')
end

-- Add an entry at the end of its lane. Answers new | replaced | known | full.
-- coalesce: a queued, not yet taken entry with the same word is replaced where it stands ('' = never).
-- keep_ms: how long the id stays known after it was put (nil or 0 = only while it is queued).
local function queue_put(T, name, lane, id, body, now, coalesce, keep_ms)
  local root = T .. ':' .. name .. ':'
  local entries, order = root .. 'e:' .. lane, root .. 'o:' .. lane
  keep_ms = tonumber(keep_ms) or 0
  local found = redis.call('HMGET', entries, 'i:' .. id, 'w:' .. coalesce)
  if found[1] then return 'known' end
  if keep_ms > 0 and redis.call('EXISTS', root .. 's:' .. id) == 1 then return 'known' end
  local place = coalesce ~= '' and found[2]
  if not place and redis.call('LLEN', order) >= QUEUE_LANE_MAX then
    redis.call('HINCRBY', root .. 'q', 'full', 1)
    return 'full'
  end
  if keep_ms > 0 then redis.call('SET', root .. 's:' .. id, '1', 'PX', keep_ms) end
  if place then
    queue_entry_replace(entries, place, id, body)
    return 'replaced'
  end
  place = string.format('%.0f', draw(root .. 'q', 1))
  add_later(root .. 'q', 'n', 1)
  redis.call('RPUSH', order, place)
  queue_entry_write(entries, place, id, body, coalesce)
  if redis.call('ZADD', root .. 'lanes', 'NX', now, lane) == 1 then queue_ring(T, name, now) end
  return 'new'
end
