#!lua
-- A flood wait of the whole bot: no lane of this queue is taken from until then.
-- KEYS: prefix
-- ARGV: name till:int
-- Returns: ok
--@include lib/queue_flow.lua
queue_close(T, name, till)
return 'ok'
