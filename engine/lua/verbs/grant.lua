#!lua
-- Credits given or taken outside a job, as a double entry with `contra`. Once for each external id.
-- A negative amount never takes more than is free, unless `forced`. `note` is a JSON text.
-- KEYS: prefix
-- ARGV: uid kind contra amount:int external now:int note forced:flag
-- Returns: applied balance | known balance | short balance
--@include lib/ledger.lua
local balance = account_balance(T, uid)
local booked = T .. ':lx:' .. uid
if redis.call('HEXISTS', booked, external) == 1 then return { 'known', tostring(balance) } end
if amount < 0 and balance + amount < 0 and not forced then return { 'short', tostring(balance) } end
redis.call('HSET', booked, external, now)
return { 'applied', tostring(fund(T, uid, kind, contra, amount, external, now, note)) }
