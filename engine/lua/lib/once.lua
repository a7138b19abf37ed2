-- What a script does once, however many calls travel in it. `finish` runs after the last call (the loader
-- sees to it), still within the same atomic script.

local SUMS, FEEDS, RUNG = {}, {}, {}

-- Add to a counter at the end of the script. A call that reads the counter counts `added` too.
local function add_later(key, field, amount)
  local fields = SUMS[key]
  if not fields then
    fields = {}
    SUMS[key] = fields
  end
  fields[field] = (fields[field] or 0) + amount
end

-- What waits to be added.
local function added(key, field)
  return SUMS[key] and SUMS[key][field] or 0
end

-- Cut a feed's old entries off at the end of the script.
local function trim_later(feed, oldest)
  FEEDS[feed] = oldest
end

-- Set a bell ringing, unless this script did already.
local function ring_once(bell)
  if RUNG[bell] then return end
  RUNG[bell] = true
  redis.call('ZADD', bell, 0, 'r')
end

local function silence(bell)
  RUNG[bell] = nil
  redis.call('ZREM', bell, 'r')
end

FINISH = function()
  for key, fields in pairs(SUMS) do
    for field, amount in pairs(fields) do redis.call('HINCRBY', key, field, amount) end
  end
  for feed, oldest in pairs(FEEDS) do redis.call('XTRIM', feed, 'MINID', '~', oldest) end
end
