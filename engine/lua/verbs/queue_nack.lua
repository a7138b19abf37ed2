#!lua
-- Give an entry back: its whole lane waits for after_ms.
-- KEYS: prefix
-- ARGV: name lane token now:int after_ms:int
-- Returns: ok | fenced (another reader has it now) | gone (given back or acknowledged before)
--@include lib/queue_flow.lua
local holds, attempts, id = queue_holds(T, name, lane, token)
if holds ~= 'ok' then return holds end
local entries = queue_key(T, name, 'e:' .. lane)
local order = queue_key(T, name, 'o:' .. lane)
local merged = queue_entry_return(entries, order, redis.call('LINDEX', order, 0))
if merged > 0 then add_later(queue_key(T, name, 'q'), 'n', -merged) end
redis.call('HSET', entries, 'f', string.format(' %.0f ', attempts) .. id)
queue_settle(T, name, lane, now + after_ms)
return 'ok'
