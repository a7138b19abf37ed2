#!lua no-writes
-- Jobs of a user, newest first.
-- KEYS: prefix
-- ARGV: uid limit:int
-- Returns: jobs as read answers them (those whose keys have expired: id alone)
--@include lib/job.lua
local shown = {}
for i, id in ipairs(redis.call('ZREVRANGE', T .. ':uj:' .. uid, 0, limit - 1)) do
  shown[i] = job_show(T, id)
end
return shown
