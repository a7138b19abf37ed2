#!lua
-- The entry is done with: it leaves the queue, its lane goes on (after gap_ms).
-- KEYS: prefix
-- ARGV: name lane token now:int gap_ms:int
-- Returns: ok | fenced (another reader has it now) | gone (given back or acknowledged before)
--@include lib/queue_flow.lua
local holds = queue_holds(T, name, lane, token)
if holds ~= 'ok' then return holds end
queue_entry_drop(queue_key(T, name, 'e:' .. lane), redis.call('LPOP', queue_key(T, name, 'o:' .. lane)))
redis.call('HINCRBY', queue_key(T, name, 'q'), 'n', -1)
queue_settle(T, name, lane, now + gap_ms)
return 'ok'
