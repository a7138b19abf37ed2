-- What a transition may be: the job's own graph version decides, and the end decides about the money.

-- T:g:<digest>: edge id -> source|target, written once for each graph version.
local function edge_is_legal(T, digest, edge, source, target)
  return redis.call('HGET', T .. ':g:' .. digest, edge) == source .. '|' .. target
end

-- done captures and refunded releases what is held; failed has nothing held; elsewhere nothing moves.
local function money_fits(hold, target, money)
  if target == 'done' then return money == (hold == 'held' and 'capture' or '') end
  if target == 'refunded' then return hold == 'held' and money == 'release' end
  if target == 'failed' then return hold == 'none' and money == '' end
  return money == ''
end

-- Was the transition at this place written by this operation?
local function was_done(T, job, place, op)
  local row = redis.call('LINDEX', T .. ':h:' .. job, place)
  return row and string.find(row, '"op":"' .. op .. '"', 1, true) ~= nil
end
