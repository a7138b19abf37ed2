-- What every claim checks of a job before a worker gets it: a few reads of keys it needs anyway.

--@include lib/quarantine.lua
--@include lib/tell.lua

-- Why a live job contradicts itself, nil when it does not.
local function sound_fault(T, id, g)
  if not (g.seq and g.ep and g.cost and g.dl and g.uid and g.hold) then return 'guards' end
  if g.hold ~= (g.cost > 0 and 'held' or 'none') then return 'money' end
  if redis.call('LLEN', T .. ':h:' .. id) ~= g.seq + 1 then return 'history' end
  g.doc, g.request = redis.call('GET', T .. ':d:' .. id), redis.call('GET', T .. ':p:' .. id)
  if not (g.doc and g.request) then return 'document' end
  return nil
end

-- A job of the timers or the line may go to a worker. One that may not has left both, and the operator hears
-- of it in the same step.
local function sound_or_aside(T, id, g, now)
  if TERMINAL[g.st] then
    redis.call('ZREM', T .. ':t', id)
    return false
  end
  local fault = sound_fault(T, id, g)
  if not fault then return true end
  quarantine(T, id, g, fault, now)
  local alert = { fingerprint = 'quarantine:' .. fault, kind = 'incident', text = 'a job contradicts itself ('
    .. fault .. ') and was set aside: reelstate check tells more', job_id = id }
  queue_put(T, 'ob', '@admin', id .. ':q:' .. string.format('%.0f', now), cjson.encode({ alert = alert }), now, '')
  return false
end
