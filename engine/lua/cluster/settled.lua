-- Refuses to run while the slot of KEYS[1] is being moved key by key from one master to another.
-- Then some of a user's keys are here and some there, and a key that is elsewhere reads as missing: an
-- account would be empty, a job gone, and what a script writes first would stay when a later line fails.
-- Two keys that never exist tell: while the slot moves, the server refuses to look for them on either side.
if type(redis.pcall('EXISTS', KEYS[1] .. ':~1', KEYS[1] .. ':~2')) == 'table' then
  return redis.error_reply('TRYAGAIN the slot of this partition is being moved')
end
