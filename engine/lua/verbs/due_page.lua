#!lua no-writes
-- A page of the timers: who is due when, with little of each job. One answer stays short however many live.
-- KEYS: prefix
-- ARGV: after after_ms:int limit:int
-- Returns: flat job, due, state, user, worker under lease or '', deadline, why set aside or '', reason or ''
local shown, first = {}, 0
if after ~= '' then
  local score = tonumber(redis.call('ZSCORE', T .. ':t', after) or '')
  if score == after_ms then
    first = redis.call('ZRANK', T .. ':t', after) + 1
  else -- it moved meanwhile: those of its old time may come twice, none is left out
    first = redis.call('ZCOUNT', T .. ':t', '-inf', string.format('(%.0f', after_ms))
  end
end
local timers = redis.call('ZRANGE', T .. ':t', first, first + limit - 1, 'WITHSCORES')
for i = 1, #timers, 2 do
  local id = timers[i]
  local fields = redis.call('HMGET', T .. ':j:' .. id, 'st', 'uid', 'own', 'dl', 'qt')
  -- the document is our own JSON without a user's words, and names the reason once
  local doc = redis.call('GET', T .. ':d:' .. id)
  local row = { id, timers[i + 1] }
  for n = 1, 5 do row[n + 2] = fields[n] or '' end
  row[8] = doc and string.match(doc, '"reason":"([a-z_]+)"') or ''
  for _, word in ipairs(row) do shown[#shown + 1] = word end
end
return shown
