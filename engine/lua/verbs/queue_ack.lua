#!lua
-- Entries (lane and token each) are done with: they leave the queue, their lanes go on (after gap_ms).
-- KEYS: prefix
-- ARGV: name now:int gap_ms:int entries*
-- Returns: for each: ok | fenced (another reader has it now) | gone (given back or acknowledged before)
--@include lib/queue_flow.lua
local answers = {}
for at = 1, #entries, 2 do
  answers[#answers + 1] = queue_ack(T, name, entries[at], entries[at + 1], now, gap_ms)
end
return answers
