-- Open incidents, in partition 0. T:al:open fingerprint -> last seen; T:al:i:<fingerprint> hash: kind text
-- first last n (times seen) told_n told_ms tellings lease (until, while somebody tells it) jobs.
-- T:al:op:<op> marks an occurrence as counted. When and whether to tell is decided in Python.

local function alert_show(T, fp)
  local fields = redis.call('HMGET', T .. ':al:i:' .. fp,
    'kind', 'text', 'first', 'last', 'n', 'told_n', 'told_ms', 'tellings', 'jobs')
  table.insert(fields, 1, fp)
  return fields
end

local function alert_forget(T, fp)
  redis.call('DEL', T .. ':al:i:' .. fp)
  redis.call('ZREM', T .. ':al:open', fp)
end
