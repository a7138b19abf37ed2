#!lua
-- Renders have ended or were never begun: their slots (holder and uid each) are free. Harmless to repeat.
-- KEYS: prefix
-- ARGV: key slots*
-- Returns: for each: ok | gone (it had no slot)
local mine, answers = T .. ':lim:s:' .. key, {}
for at = 1, #slots, 2 do
  answers[#answers + 1] = redis.call('ZREM', mine, slots[at]) == 1 and 'ok' or 'gone'
  redis.call('ZREM', T .. ':lim:u:' .. slots[at + 1], slots[at])
end
return answers
