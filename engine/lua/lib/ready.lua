-- Fair queueing between users (start-time fair queueing): T:rdy user -> virtual start of its next job,
-- T:q:<uid> its jobs in order. Virtual time V (T:ctl vt) is the start of the job picked last; a user's
-- next start (account field vt) is kept after its line is empty, so coming back early wins nothing.

--@include lib/bell.lua

local function ready_start(T, uid)
  local v = tonumber(redis.call('HGET', T .. ':ctl', 'vt') or '0')
  return math.max(v, tonumber(redis.call('HGET', T .. ':a:' .. uid, 'vt') or '0'))
end

-- A line that had jobs before has its place already.
local function ready_push(T, uid, id, front)
  if redis.call(front and 'LPUSH' or 'RPUSH', T .. ':q:' .. uid, id) == 1 then
    redis.call('ZADD', T .. ':rdy', 'NX', ready_start(T, uid), uid)
  end
  ring_queue(T)
end

-- Take a job out of its user's line, wherever it stands; nothing happens when it is not in it.
local function ready_drop(T, uid, id)
  redis.call('LREM', T .. ':q:' .. uid, 1, id)
  if redis.call('EXISTS', T .. ':q:' .. uid) == 0 then redis.call('ZREM', T .. ':rdy', uid) end
end

-- The next job of the user who has waited longest and its virtual start, or nil. Its user goes one step back.
local function ready_pick(T)
  local first = redis.call('ZRANGE', T .. ':rdy', 0, 0, 'WITHSCORES')
  if not first[1] then return nil end
  local uid, start = first[1], tonumber(first[2])
  local id = redis.call('LPOP', T .. ':q:' .. uid)
  redis.call('HSET', T .. ':a:' .. uid, 'vt', start + 1)
  if redis.call('EXISTS', T .. ':q:' .. uid) == 1 then
    redis.call('ZADD', T .. ':rdy', start + 1, uid)
  else
    redis.call('ZREM', T .. ':rdy', uid)
  end
  return id, start
end

-- Virtual time goes on to the start of the job picked last.
local function ready_advance(T, start)
  redis.call('HSET', T .. ':ctl', 'vt', start)
end
