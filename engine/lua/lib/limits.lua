-- Limits of one provider, shared by all workers. T is the provider's own tag `{p:<provider>}`.
--   lim:all           hash   closed (until), closed_n (429s in a row), why, tok (retry budget, thousandths), tok_ms
--   lim:k:<key>       hash   off (reason), off_until, off_n, probe (until)
--   lim:r:<key>       list   times of the last create calls: an exact window. (A leaky bucket with the full
--                            burst lets twice the number through in one window, and a 429 loses the call.)
--   lim:s:<key>       zset   holder -> end of its render slot;   lim:u:<uid> the same for a user
--   lim:b:<key>|<model>  hash   n (failures in a row), since, open (until), opens, probe (until)
--   lim:names         set    keys and key|model pairs ever seen, for the health report
--   lim:op:<op>       string a call already answered

local function lim_number(key, field)
  return tonumber(redis.call('HGET', key, field) or '0') or 0
end

local NAMED = {}

local function lim_name(T, key, model)
  local name = key .. '|' .. model
  if NAMED[name] then return end
  NAMED[name] = true
  redis.call('SADD', T .. ':lim:names', key, name)
end

-- A call is sent again for 10 s at most; then nobody repeats it any more.
local LIM_KNOWN_MS = 30000

local function lim_once(T, op, word)
  redis.call('SET', T .. ':lim:op:' .. op, word, 'PX', LIM_KNOWN_MS)
end

-- base doubled `times` times, at most `top`.
local function lim_grow(base, times, top)
  return math.min(base * 2 ^ math.min(times, 30), top)
end

-- The retry budget now, thousandths: it refills slowly by itself. A new provider starts with a full one.
local function lim_tokens(T, now, size, refill_ms)
  local got = redis.call('HMGET', T .. ':lim:all', 'tok', 'tok_ms')
  if not got[1] then return size end
  return math.min(size, tonumber(got[1]) + math.floor(math.max(0, now - tonumber(got[2])) * 1000 / refill_ms))
end

local function lim_set_tokens(T, now, tokens)
  redis.call('HSET', T .. ':lim:all', 'tok', string.format('%.0f', tokens), 'tok_ms', now)
end

-- Until when something that was shut stays shut: its pause, then its probe; 0 = open, or a probe is due.
local function lim_shut(state, field, now)
  local till = lim_number(state, field)
  if till == 0 then return 0 end
  till = math.max(till, lim_number(state, 'probe'))
  return till > now and till or 0
end

-- Until when all slots of a zset are taken; 0 = there is room (or the holder is in already).
local function lim_full(slots, holder, room, now)
  local till = redis.call('ZSCORE', slots, holder)
  if till and tonumber(till) > now then return 0 end
  if redis.call('ZCOUNT', slots, '(' .. string.format('%.0f', now), '+inf') < room then return 0 end
  local first = redis.call('ZRANGEBYSCORE', slots, '(' .. string.format('%.0f', now), '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
  return tonumber(first[2])
end

-- Until when the window of create calls is full; 0 = there is room.
local function lim_rate(T, key, creates, window_ms, now)
  local calls = T .. ':lim:r:' .. key
  if redis.call('LLEN', calls) < creates then return 0 end
  local till = tonumber(redis.call('LINDEX', calls, -creates)) + window_ms
  return till > now and till or 0
end
