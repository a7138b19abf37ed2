-- Taking from an ordered queue: see lib/queue.lua for the keys.

--@include lib/queue_flow.lua

-- How far the job of an entry has come ('' = no such job here): entry ids open with the job's.
local function queue_state(T, id)
  local job = string.match(id, '^(%x+%-[%w_-]+):')
  return job and redis.call('HGET', T .. ':j:' .. job, 'st') or ''
end

-- What a reader gets of an entry: id, lane, token, attempts, its job's state, body.
local function queue_hand_over(T, shown, lane, token, attempts, packed)
  local id, _, body = queue_entry_unpack(packed)
  local at = #shown
  shown[at + 1], shown[at + 2], shown[at + 3] = id, lane, token
  shown[at + 4], shown[at + 5], shown[at + 6] = string.format('%.0f', attempts), queue_state(T, id), body
end

-- The head of a lane goes into flight under `token`: attempts, entry. Nil when the lane is empty.
local function queue_take_lane(T, name, lane, token)
  local entries = queue_key(T, name, 'e:' .. lane)
  local place = redis.call('LINDEX', queue_key(T, name, 'o:' .. lane), 0)
  if not place then return nil end
  local found = redis.call('HMGET', entries, place, 'f')
  local id, word = queue_entry_unpack(found[1])
  local _, attempts, tried = queue_flight(found[2])
  if tried ~= id then attempts = 0 end -- it took the place of one that had been tried
  attempts = attempts + 1
  redis.call('HSET', entries, 'f', token .. ' ' .. string.format('%.0f', attempts) .. ' ' .. id)
  -- Its word no longer leads to it: an entry in flight cannot be replaced.
  if word ~= '' and (attempts == 1 or redis.call('HGET', entries, 'w:' .. word) == place) then
    redis.call('HDEL', entries, 'w:' .. word)
  end
  return attempts, found[1]
end

-- Heads of due lanes into the answer, and what the reader holds by it ("<lane> <token>;"...).
local function queue_take_due(T, name, now, lease_ms, limit, answer)
  local lanes = queue_key(T, name, 'lanes')
  local due = redis.call('ZRANGEBYSCORE', lanes, '-inf', now, 'LIMIT', 0, limit)
  if #due == 0 then return '' end
  local last = draw(queue_key(T, name, 'q'), #due)
  local hands, leases, empty = {}, {}, {}
  for i, lane in ipairs(due) do
    local token = string.format('%.0f', last - #due + i)
    local attempts, packed = queue_take_lane(T, name, lane, token)
    if attempts then
      hands[#hands + 1] = lane .. ' ' .. token .. ';'
      leases[#leases + 1] = now + lease_ms
      leases[#leases + 1] = lane
      queue_hand_over(T, answer, lane, token, attempts, packed)
    else
      empty[#empty + 1] = lane
    end
  end
  if #leases > 0 then redis.call('ZADD', lanes, unpack(leases)) end
  if #empty > 0 then redis.call('ZREM', lanes, unpack(empty)) end
  return table.concat(hands)
end

-- What a reader took before and still has in its hands.
local function queue_show(T, name, hands)
  local shown = {}
  for lane, token in string.gmatch(hands, '(%S+) (%S+);') do
    local entries = queue_key(T, name, 'e:' .. lane)
    local held, attempts = queue_flight(redis.call('HGET', entries, 'f'))
    if held == token then
      local place = redis.call('LINDEX', queue_key(T, name, 'o:' .. lane), 0)
      queue_hand_over(T, shown, lane, token, attempts, redis.call('HGET', entries, place))
    end
  end
  return shown
end
