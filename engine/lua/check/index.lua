#!lua no-writes
-- A page of an index, with what stands behind each entry: jobs (t, qz: state and quarantine), or a user's
-- line (rdy: its length).
-- KEYS: prefix
-- ARGV: name start:int count:int
-- Returns: flat member, word, word (packed)
--@include lib/pack.lua
local shown = {}
for _, member in ipairs(redis.call('ZRANGE', T .. ':' .. name, start, start + count - 1)) do
  shown[#shown + 1] = member
  if name == 'rdy' then
    shown[#shown + 1] = tostring(redis.call('LLEN', T .. ':q:' .. member))
    shown[#shown + 1] = ''
  else
    local got = redis.call('HMGET', T .. ':j:' .. member, 'st', 'qt')
    shown[#shown + 1] = got[1] or ''
    shown[#shown + 1] = got[2] or ''
  end
end
return pack(shown)
