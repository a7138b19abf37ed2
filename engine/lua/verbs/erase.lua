#!lua
-- Forget what a person gave and got: an ended job's document, request in it, gives way to a bare one. Money,
-- history and how long the job is kept stay as they are. Its film's SHA-256 is noted in T:er (film -> ms) for
-- as long as a machine may keep a copy of it.
-- KEYS: prefix
-- ARGV: job uid seq:int doc film now:int keep_ms:int
-- Returns: ok | stale (it lives, or has changed) | gone (no such job of this user)
--@include lib/job.lua
local g = job_guards(T, job)
if not g or g.uid ~= uid then return 'gone' end
if not TERMINAL[g.st] or g.seq ~= seq then return 'stale' end
redis.call('SET', T .. ':d:' .. job, doc, 'KEEPTTL')
redis.call('DEL', T .. ':p:' .. job, T .. ':hi:' .. job)
if film ~= '' then
  redis.call('ZREMRANGEBYSCORE', T .. ':er', '-inf', string.format('(%.0f', now - keep_ms))
  redis.call('ZADD', T .. ':er', now, film)
  redis.call('PEXPIRE', T .. ':er', keep_ms)
end
return 'ok'
