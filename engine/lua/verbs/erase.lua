#!lua
-- Forget what a person gave and got: an ended job's request and document give way to bare ones. Money,
-- history and how long the job is kept stay as they are.
-- KEYS: prefix
-- ARGV: job uid seq:int doc request
-- Returns: ok | stale (it lives, or has changed) | gone (no such job of this user)
--@include lib/job.lua
local g = job_guards(T, job)
if not g or g.uid ~= uid then return 'gone' end
if not TERMINAL[g.st] or g.seq ~= seq then return 'stale' end
redis.call('SET', T .. ':d:' .. job, doc, 'KEEPTTL')
redis.call('SET', T .. ':p:' .. job, request, 'KEEPTTL')
redis.call('DEL', T .. ':hi:' .. job)
return 'ok'
