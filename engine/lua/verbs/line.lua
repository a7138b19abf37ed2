#!lua no-writes
-- How many jobs of this partition leave the line before this one, itself counted: 1 = next.
-- KEYS: prefix
-- ARGV: job
-- Returns: place (0 = not in line)
local USERS_MAX = 500
local uid = redis.call('HGET', T .. ':j:' .. job, 'uid')
if not uid then return 0 end
local ahead = redis.call('LPOS', T .. ':q:' .. uid, job)
local start = redis.call('ZSCORE', T .. ':rdy', uid)
if not ahead or not start then return 0 end
local mine = tonumber(start) + ahead
local place = ahead + 1
local users = redis.call('ZRANGEBYSCORE', T .. ':rdy', '-inf', mine, 'WITHSCORES', 'LIMIT', 0, USERS_MAX)
for i = 1, #users, 2 do
  if users[i] ~= uid then
    -- another user's k-th job starts at its own start + k; a tie goes by name
    local before = mine - tonumber(users[i + 1]) + (users[i] < uid and 1 or 0)
    place = place + math.min(math.max(0, math.ceil(before)), redis.call('LLEN', T .. ':q:' .. users[i]))
  end
end
return place
