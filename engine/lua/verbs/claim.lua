#!lua
-- Take the next job that needs a worker, under a lease: first what is due, then fairly from the line.
-- The same claim_id answers the same job. `queued_ok`: the provider has a slot for a new start.
-- KEYS: prefix
-- ARGV: worker claim_id now:int lease_ms:int queued_ok:flag last:flag mark_ms:int
-- Returns: job lost next_due job | idle next_due
--@include lib/job.lua
--@include lib/ready.lua
--@include lib/sound.lua
--@include lib/timer.lua
local mark = T .. ':w:' .. worker
local claim, id, ep, lost = string.match(redis.call('GET', mark) or '', '^(%S+) (%S+) (%d+) (%d)$')
if claim == claim_id then
  local g = job_guards(T, id)
  if g and g.ep == tonumber(ep) and g.own == worker then
    timer_lease(T, id, now, lease_ms)
    return { 'job', lost, timer_next(T), job_show(T, id) }
  end
end

id, lost = nil, '0'
for _ = 1, 16 do
  local due = redis.call('ZRANGEBYSCORE', T .. ':t', '-inf', now, 'LIMIT', 0, 1)[1]
  if not due then break end
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
    id = due
    if g.st == 'queued' then ready_drop(T, g.uid, due) end
    if g.own ~= '' and (g.st == 'generating' or g.st == 'sending') then lost = '1' end
    break
  end
end
for _ = 1, 16 do
  if id or not queued_ok then break end
  local first = ready_pick(T)
  if not first then break end
  local g = job_guards(T, first)
  if g and sound_or_aside(T, first, g, now) then id = first end
end
if not id then
  redis.call('ZREM', T .. ':bell', 'r')
  return { 'idle', timer_next(T) }
end

redis.call('HSET', T .. ':j:' .. id, 'own', worker)
local epoch = redis.call('HINCRBY', T .. ':j:' .. id, 'ep', 1)
redis.call('SET', mark, string.format('%s %s %.0f %s', claim_id, id, epoch, lost), 'PX', mark_ms)
timer_lease(T, id, now, lease_ms)
-- chain wake: one more worker for what is left; `last` means this one will not come back soon
local next_due = timer_next(T)
if last or tonumber(next_due) <= now then ring(T) end
if redis.call('EXISTS', T .. ':rdy') == 1 then ring_queue(T) else redis.call('ZREM', T .. ':bellq', 'r') end
return { 'job', lost, next_due, job_show(T, id) }
