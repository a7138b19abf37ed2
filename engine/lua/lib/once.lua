-- What a script does once, however many calls travel in it. `finish` runs after the last call (the loader
-- sees to it), still within the same atomic script.

local SUMS, FEEDS, RUNG, DRAWN = {}, {}, {}, {}

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

-- The last of `n` fresh numbers of the counter `seq`. Drawn from the store in blocks: what a script leaves over
-- is never used, so a number comes once however the script ends.
local BLOCK = 32

local function draw(key, n)
  local block = DRAWN[key]
  if not block or block.left < n then
    local got = math.max(n, BLOCK)
    block = { left = got, top = redis.call('HINCRBY', key, 'seq', got) }
    DRAWN[key] = block
  end
  block.left = block.left - n
  return block.top - block.left
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
