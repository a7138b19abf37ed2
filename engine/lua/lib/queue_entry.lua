-- The entries of one lane, in its hash: see lib/queue.lua for the fields. An entry is one text, its id, its
-- coalesce word and its body, a line each (only the body may hold line ends).

local function queue_entry_write(entries, place, id, body, word)
  local packed = id .. '\n' .. word .. '\n' .. body
  if word == '' then
    redis.call('HSET', entries, place, packed, 'i:' .. id, place)
  else
    redis.call('HSET', entries, place, packed, 'i:' .. id, place, 'w:' .. word, place)
  end
end

-- id, word, body
local function queue_entry_unpack(packed)
  return string.match(packed, '^([^\n]*)\n([^\n]*)\n(.*)$')
end

-- A newer entry takes the place of a queued older one.
local function queue_entry_replace(entries, place, id, body)
  local old, word = queue_entry_unpack(redis.call('HGET', entries, place))
  redis.call('HDEL', entries, 'i:' .. old)
  queue_entry_write(entries, place, id, body, word)
end

-- Whose hands the head is in, how often it was taken, and its id: '' = nobody's, it came back and waits.
local function queue_flight(flight)
  if not flight then return '', 0, '' end
  local token, attempts, id = string.match(flight, '^(%S*) (%d+) (.*)$')
  return token, tonumber(attempts), id
end

-- An entry comes back from flight. A newer one with its word, queued behind it, takes its place.
-- Answers how many entries that left over (0 or 1).
local function queue_entry_return(entries, order, place)
  local _, word = queue_entry_unpack(redis.call('HGET', entries, place))
  if word == '' then return 0 end
  local newer = redis.call('HGET', entries, 'w:' .. word)
  if not newer then
    redis.call('HSET', entries, 'w:' .. word, place)
    return 0
  end
  if newer == place then return 0 end
  local id, _, body = queue_entry_unpack(redis.call('HGET', entries, newer))
  redis.call('LREM', order, 1, newer)
  redis.call('HDEL', entries, newer)
  queue_entry_replace(entries, place, id, body)
  return 1
end
