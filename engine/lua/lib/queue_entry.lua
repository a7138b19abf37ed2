-- The entries of one lane, in its hash: see lib/queue.lua for the fields.

local function queue_entry_write(entries, place, id, body, word)
  if word == '' then
    redis.call('HSET', entries, place .. ':b', body, place .. ':i', id, 'i:' .. id, place)
  else
    redis.call('HSET', entries, place .. ':b', body, place .. ':i', id, 'i:' .. id, place,
      place .. ':w', word, 'w:' .. word, place)
  end
end

-- A newer entry takes the place of a queued older one; it has not been tried yet.
local function queue_entry_replace(entries, place, id, body)
  redis.call('HDEL', entries, 'i:' .. redis.call('HGET', entries, place .. ':i'), place .. ':a')
  redis.call('HSET', entries, place .. ':b', body, place .. ':i', id, 'i:' .. id, place)
end

-- The entry at `place` as it goes to a reader.
local function queue_entry_read(entries, place)
  local found = redis.call('HMGET', entries, place .. ':i', place .. ':b', place .. ':a', place .. ':w')
  return { id = found[1], body = found[2], attempts = found[3] or '0', word = found[4] }
end

-- Its word no longer leads to it: an entry in flight cannot be replaced.
local function queue_entry_detach(entries, place, word)
  if word and redis.call('HGET', entries, 'w:' .. word) == place then
    redis.call('HDEL', entries, 'w:' .. word)
  end
end

-- An entry comes back from flight. A newer one with its word, queued behind it, takes its place.
-- Answers how many entries that left over (0 or 1).
local function queue_entry_return(entries, order, place)
  local word = redis.call('HGET', entries, place .. ':w')
  if not word then return 0 end
  local newer = redis.call('HGET', entries, 'w:' .. word)
  if not newer then
    redis.call('HSET', entries, 'w:' .. word, place)
    return 0
  end
  if newer == place then return 0 end
  local found = redis.call('HMGET', entries, newer .. ':i', newer .. ':b')
  redis.call('LREM', order, 1, newer)
  redis.call('HDEL', entries, newer .. ':b', newer .. ':i', newer .. ':w')
  queue_entry_replace(entries, place, found[1], found[2])
  redis.call('HSET', entries, 'w:' .. word, place)
  return 1
end

-- It was in flight: its word leads elsewhere since then, `f` was its token.
local function queue_entry_drop(entries, place)
  local id = redis.call('HGET', entries, place .. ':i')
  redis.call('HDEL', entries, place .. ':b', place .. ':i', place .. ':w', place .. ':a', 'i:' .. (id or ''), 'f')
end
