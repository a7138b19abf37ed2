#!lua
-- Put an entry into an ordered queue, at the end of its lane. Idempotent by id.
-- KEYS: prefix
-- ARGV: name lane id body now:int coalesce keep_ms:int
-- Returns: new | replaced | known (this id came before) | full (the lane is at its bound; nothing was put)
--@include lib/queue.lua
return queue_put(T, name, lane, id, body, now, coalesce, keep_ms)
