#!lua no-writes
-- One lane of an ordered queue, with how far each entry's job has come (entry ids open with the job's).
-- KEYS: prefix
-- ARGV: name lane
-- Returns: due order entries jobs (flat job, seq)
local entries = redis.call('HGETALL', T .. ':' .. name .. ':e:' .. lane)
local seen, jobs = {}, {}
for i = 1, #entries, 2 do
  local job = string.match(entries[i], '^i:(%x%-[%w_-]+):')
  if job and not seen[job] then
    seen[job] = true
    jobs[#jobs + 1] = job
    jobs[#jobs + 1] = redis.call('HGET', T .. ':j:' .. job, 'seq') or ''
  end
end
return { redis.call('ZSCORE', T .. ':' .. name .. ':lanes', lane) or '',
  redis.call('LRANGE', T .. ':' .. name .. ':o:' .. lane, 0, -1), entries, jobs }
