-- A job's keys: T:j:<id> guard fields, T:d:<id> document, T:p:<id> request (in the
-- document of an ended job), T:h:<id> history, T:hi:<id>
-- hints. Guard fields: st seq ep gv uid cost hold own dl op. `own` is the worker under lease, '' for none.
-- A job that was set aside has `qt` too: why (lib/quarantine.lua).

local TERMINAL = { done = true, refunded = true, failed = true }

local function job_guards(T, id)
  local got = redis.call('HMGET', T .. ':j:' .. id,
    'st', 'seq', 'ep', 'gv', 'uid', 'cost', 'hold', 'own', 'dl', 'op', 'qt')
  if not got[1] then return nil end
  return { raw = got, st = got[1], seq = tonumber(got[2]), ep = tonumber(got[3]), gv = got[4], uid = got[5],
    cost = tonumber(got[6]), hold = got[7], own = got[8], dl = tonumber(got[9]), op = got[10], qt = got[11] }
end

-- Checkpoints change no seq: `op` holds the last of them, newest first, so that one which comes again late
-- (over a connection nobody listens to any more) does not bring an older document back.
local OPS_CHARS = 12
local OPS_KEPT = 60

local function op_known(g, op)
  return string.find(' ' .. (g.op or ''), ' ' .. string.sub(op, 1, OPS_CHARS), 1, true) ~= nil
end

local function op_kept(g, op)
  return string.sub(string.sub(op, 1, OPS_CHARS) .. ' ' .. (g.op or ''), 1, OPS_KEPT)
end

-- Why a worker's write is refused; nil when it is not. The epoch decides, never the clock.
local function job_refusal(g, epoch, seq)
  if g.ep ~= epoch then return 'fenced' end
  if g.seq ~= seq then return 'stale' end
  return nil
end

-- The whole job as it goes to Python; the guard fields travel as one text, a line each. `g`: its guards,
-- with `doc` and `request` where they were read already.
local function job_shown(T, id, g)
  local doc, request = g.doc or redis.call('GET', T .. ':d:' .. id), g.request or redis.call('GET', T .. ':p:' .. id)
  local raw = g.raw
  raw[3], raw[8] = string.format('%.0f', g.ep), g.own
  return { id, table.concat(raw, '\n', 1, 9), doc, request, redis.call('LRANGE', T .. ':hi:' .. id, 0, -1) }
end

local function job_show(T, id)
  local g = job_guards(T, id)
  if not g then return { id } end
  return job_shown(T, id, g)
end

local function job_expire(T, id, retain_ms)
  for _, part in ipairs({ 'j', 'd', 'h' }) do
    redis.call('PEXPIRE', T .. ':' .. part .. ':' .. id, retain_ms)
  end
end
