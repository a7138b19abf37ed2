#!lua no-writes
-- A mark that changes with every write to the server of this partition.
-- KEYS: prefix
-- ARGV:
-- Returns: mark
local told = redis.call('INFO', 'persistence')
return (string.match(told, 'rdb_changes_since_last_save:(%d+)') or '?') .. ' '
  .. (string.match(told, 'rdb_last_save_time:(%d+)') or '?')
