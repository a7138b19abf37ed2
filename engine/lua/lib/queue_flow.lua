-- When an ordered queue may be taken from, and giving back to it: see lib/queue.lua for the keys.

--@include lib/queue.lua

local function queue_closed_until(T, name)
  return tonumber(redis.call('HGET', queue_key(T, name, 'q'), 'closed') or '0')
end

-- A flood wait of the whole bot: nothing is taken from any lane until then.
local function queue_close(T, name, till)
  if till > queue_closed_until(T, name) then redis.call('HSET', queue_key(T, name, 'q'), 'closed', till) end
end

-- When the next lane may be taken, '' when the queue is empty. A closed queue opens first.
local function queue_next_due(T, name)
  local first = redis.call('ZRANGE', queue_key(T, name, 'lanes'), 0, 0, 'WITHSCORES')
  if not first[2] then return '' end
  return string.format('%.0f', math.max(tonumber(first[2]), queue_closed_until(T, name)))
end

-- Is this lane still in the reader's hands? ok | fenced (somebody else's) | gone (given back already);
-- with its attempts and the id in flight.
local function queue_holds(T, name, lane, token)
  local held, attempts, id = queue_flight(redis.call('HGET', queue_key(T, name, 'e:' .. lane), 'f'))
  if held == token then return 'ok', attempts, id end
  return held ~= '' and 'fenced' or 'gone'
end

-- After an entry left or came back: the lane waits for `due`, or is no lane any more.
local function queue_settle(T, name, lane, due)
  if redis.call('EXISTS', queue_key(T, name, 'o:' .. lane)) == 0 then
    redis.call('ZREM', queue_key(T, name, 'lanes'), lane)
    return
  end
  redis.call('ZADD', queue_key(T, name, 'lanes'), due, lane)
  queue_ring(T, name, due)
end

-- The entry in flight is done with: it leaves the queue, its lane goes on after gap_ms.
local function queue_ack(T, name, lane, token, now, gap_ms)
  local holds, _, id = queue_holds(T, name, lane, token)
  if holds ~= 'ok' then return holds end
  local root = T .. ':' .. name .. ':'
  local place = redis.call('LPOP', root .. 'o:' .. lane)
  redis.call('HDEL', root .. 'e:' .. lane, place, 'i:' .. id, 'f')
  add_later(root .. 'q', 'n', -1)
  queue_settle(T, name, lane, now + gap_ms)
  return 'ok'
end
