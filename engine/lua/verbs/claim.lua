#!lua
-- Take the next jobs that need a worker, under leases: first what is due, then fairly from the line.
-- The same claim_id answers the same jobs, and takes no others. `queued_ok`: the provider has a slot for a new start.
-- KEYS: prefix
-- ARGV: worker claim_id now:int lease_ms:int queued_ok:flag limit:int last:flag mark_ms:int
-- Returns: job next_due, then lost job for each | idle next_due
--@include lib/job.lua
--@include lib/ready.lua
--@include lib/sound.lua
--@include lib/timer.lua
local mark = T .. ':w:' .. worker
local recorded = redis.call('GET', mark) or ''
local taken, shown, leases = {}, {}, {}
local function show(id, g, lost)
  leases[#leases + 1], leases[#leases + 2] = now + lease_ms, id
  shown[#shown + 1] = lost
  shown[#shown + 1] = job_shown(T, id, g)
end
if string.match(recorded, '^%S+') == claim_id then
  for id, ep, lost in string.gmatch(recorded, ' (%S+) (%d+) (%d)') do
    local g = job_guards(T, id)
    if g and g.ep == tonumber(ep) and g.own == worker then show(id, g, lost) end
  end
  if #shown > 0 then
    redis.call('ZADD', T .. ':t', unpack(leases))
    return { 'job', timer_next(T), unpack(shown) }
  end
  -- All have gone on. A copy that came late takes no others: nobody hears of it. Who does hear is woken to look.
  ring(T)
  ring_queue(T)
  return { 'idle', timer_next(T) }
end

local function take(id, g, lost)
  g.own, g.ep = worker, g.ep + 1
  redis.call('HSET', T .. ':j:' .. id, 'own', worker, 'ep', g.ep)
  taken[#taken + 1] = string.format(' %s %.0f %s', id, g.ep, lost)
  show(id, g, lost)
end
local looks = limit + 16
for _, due in ipairs(redis.call('ZRANGEBYSCORE', T .. ':t', '-inf', now, 'LIMIT', 0, looks)) do
  if #taken >= limit then break end
  local g = job_guards(T, due)
  if not g then
    redis.call('ZREM', T .. ':t', due)
  elseif not sound_or_aside(T, due, g, now) then
    -- it waits for a person; the next one
  elseif g.st == 'queued' and g.own ~= '' and not queued_ok then
    -- its worker went before it began: back to the front of its line
    redis.call('HSET', T .. ':j:' .. due, 'own', '')
    redis.call('ZADD', T .. ':t', g.dl, due)
    ready_push(T, g.uid, due, true)
  else
    if g.st == 'queued' then ready_drop(T, g.uid, due) end
    take(due, g, g.own ~= '' and (g.st == 'generating' or g.st == 'sending') and '1' or '0')
  end
end
local advanced
for _ = 1, looks do
  if #taken >= limit or not queued_ok then break end
  local first, start = ready_pick(T)
  if not first then break end
  advanced = start
  local g = job_guards(T, first)
  if g and sound_or_aside(T, first, g, now) then take(first, g, '0') end
end
if advanced then ready_advance(T, advanced) end
if #taken == 0 then
  silence(T .. ':bell')
  return { 'idle', timer_next(T) }
end

redis.call('ZADD', T .. ':t', unpack(leases))
redis.call('SET', mark, claim_id .. table.concat(taken), 'PX', mark_ms)
-- chain wake: one more worker for what is left; `last` means that with `limit` jobs this one will not come
-- back soon
local next_due = timer_next(T)
if (last and #taken == limit) or tonumber(next_due) <= now then ring(T) end
if redis.call('EXISTS', T .. ':rdy') == 1 then ring_queue(T) else silence(T .. ':bellq') end
return { 'job', next_due, unpack(shown) }
