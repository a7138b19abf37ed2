#!lua no-writes
-- How full an ordered queue is.
-- KEYS: prefix
-- ARGV: name
-- Returns: entries lanes refused closed_until next_due ('' = nothing queued)
--@include lib/queue_flow.lua
local counts = redis.call('HMGET', queue_key(T, name, 'q'), 'n', 'full', 'closed')
local lanes = redis.call('ZCARD', queue_key(T, name, 'lanes'))
return { string.format('%.0f', (tonumber(counts[1]) or 0) + added(queue_key(T, name, 'q'), 'n')), tostring(lanes), counts[2] or '0', counts[3] or '0', queue_next_due(T, name) }
