#!lua
-- Ring the doorbells of a partition: one waiting worker looks again. Harmless at any time.
-- KEYS: prefix
-- ARGV: queue:flag
-- Returns: ok
--@include lib/bell.lua
ring(T)
if queue then ring_queue(T) end
return 'ok'
