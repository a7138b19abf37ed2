-- Taking from an ordered queue and giving back: see lib/queue.lua for the keys.

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

-- The head of a lane goes into flight under a fresh token: token, entry. Nil when the lane is empty.
local function queue_take_lane(T, name, lane, now, lease_ms)
  local entries = queue_key(T, name, 'e:' .. lane)
  local place = redis.call('LINDEX', queue_key(T, name, 'o:' .. lane), 0)
  if not place then
    redis.call('ZREM', queue_key(T, name, 'lanes'), lane)
    return nil
  end
  local token = tostring(redis.call('HINCRBY', queue_key(T, name, 'q'), 'seq', 1))
  local entry = queue_entry_read(entries, place)
  entry.attempts = string.format('%.0f', tonumber(entry.attempts) + 1)
  redis.call('HSET', entries, place .. ':a', entry.attempts, 'f', token)
  queue_entry_detach(entries, place, entry.word)
  redis.call('ZADD', queue_key(T, name, 'lanes'), now + lease_ms, lane)
  return token, entry
end

local function queue_hand_over(shown, lane, token, entry)
  for _, field in ipairs({ entry.id, lane, token, entry.attempts, entry.body }) do shown[#shown + 1] = field end
end

-- What a reader gets: flat id, lane, token, attempts, body for each lane|token still in its hands.
local function queue_show(T, name, hands)
  local shown = {}
  for lane, token in string.gmatch(hands, '(%S+) (%S+);') do
    local entries = queue_key(T, name, 'e:' .. lane)
    if redis.call('HGET', entries, 'f') == token then
      local entry = queue_entry_read(entries, redis.call('LINDEX', queue_key(T, name, 'o:' .. lane), 0))
      queue_hand_over(shown, lane, token, entry)
    end
  end
  return shown
end

-- Is this lane still in the reader's hands? ok | fenced (somebody else's) | gone (given back already)
local function queue_holds(T, name, lane, token)
  local held = redis.call('HGET', queue_key(T, name, 'e:' .. lane), 'f')
  if held == token then return 'ok' end
  return held and 'fenced' or 'gone'
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
