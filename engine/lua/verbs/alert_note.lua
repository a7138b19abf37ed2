#!lua
-- Count an occurrence of an incident, opening it when it is new. Counted once per op.
-- KEYS: prefix
-- ARGV: fp kind text job op count:int now:int samples:int open_max:int
-- Returns: fp kind text first last n told_n told_ms tellings jobs (space between)
--@include lib/alert.lua
local incident, open = T .. ':al:i:' .. fp, T .. ':al:open'
local fresh = redis.call('EXISTS', incident) == 0
if redis.call('EXISTS', T .. ':al:op:' .. op) == 1 then return alert_show(T, fp) end
redis.call('SET', T .. ':al:op:' .. op, '1', 'PX', 86400000)
if fresh then
  if redis.call('ZCARD', open) >= open_max then alert_forget(T, redis.call('ZRANGE', open, 0, 0)[1]) end
  redis.call('HSET', incident, 'kind', kind, 'text', text, 'first', now, 'n', 0,
    'told_n', 0, 'told_ms', 0, 'tellings', 0, 'jobs', '')
end
redis.call('HINCRBY', incident, 'n', count)
redis.call('HSET', incident, 'last', now)
redis.call('ZADD', open, now, fp)
local jobs = redis.call('HGET', incident, 'jobs')
local _, known = string.gsub(jobs, '%S+', '')
if job ~= '' and known < samples and not string.find(' ' .. jobs .. ' ', ' ' .. job .. ' ', 1, true) then
  redis.call('HSET', incident, 'jobs', jobs == '' and job or jobs .. ' ' .. job)
end
return alert_show(T, fp)
