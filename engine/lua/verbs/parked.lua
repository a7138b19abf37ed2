#!lua no-writes
-- The latest jobs of a user that wait to be tried again.
-- KEYS: prefix
-- ARGV: uid look:int
-- Returns: jobs as read answers them
--@include lib/job.lua
local shown = {}
if (tonumber(redis.call('HGET', T .. ':a:' .. uid, 'live') or '0') or 0) == 0 then return shown end
for _, id in ipairs(redis.call('ZREVRANGE', T .. ':uj:' .. uid, 0, look - 1)) do
  if redis.call('HGET', T .. ':j:' .. id, 'st') == 'retry_wait' then shown[#shown + 1] = job_show(T, id) end
end
return shown
