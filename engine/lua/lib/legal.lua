-- What a transition may be: the job's own graph version decides, and the end decides about the money.

local EDGES = {}

-- T:g:<digest>: edge id -> source|target, written once for each graph version.
local function edge_is_legal(T, digest, edge, source, target)
  local name = digest .. edge
  if not EDGES[name] then EDGES[name] = redis.call('HGET', T .. ':g:' .. digest, edge) end
  return EDGES[name] == source .. '|' .. target
end

local GRAPHS = {}

local function graph_known(T, digest)
  if not GRAPHS[digest] then GRAPHS[digest] = redis.call('EXISTS', T .. ':g:' .. digest) == 1 end
  return GRAPHS[digest]
end

-- Could a job of this graph have come to `state` by this edge? Every graph begins by 'submit' in queued.
local function edge_leads_here(T, digest, edge, state)
  local graph = T .. ':g:' .. digest
  if edge == 'submit' then return state == 'queued' and redis.call('EXISTS', graph) == 1 end
  local found = redis.call('HGET', graph, edge)
  return found and string.match(found, '|(.*)$') == state
end

-- done captures and refunded releases what is held; failed has nothing held; elsewhere nothing moves.
local function money_fits(hold, target, money)
  if target == 'done' then return money == (hold == 'held' and 'capture' or '') end
  if target == 'refunded' then return hold == 'held' and money == 'release' end
  if target == 'failed' then return hold == 'none' and money == '' end
  return money == ''
end

-- Was the transition at this place written by this operation? A short row opens with it (engine/rows.py).
local function was_done(T, job, place, op)
  local row = redis.call('LINDEX', T .. ':h:' .. job, place)
  if not row then return false end
  if string.sub(row, 1, 1) == '{' then return string.find(row, '"op":"' .. op .. '"', 1, true) ~= nil end
  local epoch, at, event = string.match(op, '^(%d+):(%d+):([a-z_]+)$')
  local short = at == string.format('%.0f', place) and epoch .. ':' .. event or '=' .. op
  return string.sub(row, 1, #short + 4) == '["' .. short .. '",'
end
