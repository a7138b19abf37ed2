#!lua no-writes
-- How often each move was made (source|target|edge), and sizes of a partition.
-- KEYS: prefix
-- ARGV:
-- Returns: flat name, number
local shown = redis.call('HGETALL', T .. ':c')
shown[#shown + 1] = 'live'
shown[#shown + 1] = tostring(redis.call('ZCARD', T .. ':t'))
shown[#shown + 1] = 'waiting_users'
shown[#shown + 1] = tostring(redis.call('ZCARD', T .. ':rdy'))
return shown
