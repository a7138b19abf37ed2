#!lua
-- Set a live job aside: it leaves timers and line, its worker is fenced, nobody can claim it. Harmless twice.
-- KEYS: prefix
-- ARGV: job why epoch:int? now:int
-- Returns: ok | known (set aside before; the first reason stays) | fenced | over (it has ended) | gone
--@include lib/quarantine.lua
local g = job_guards(T, job)
if not g then return 'gone' end
if TERMINAL[g.st] then return 'over' end
if g.qt then return 'known' end
if epoch and epoch ~= g.ep then return 'fenced' end
quarantine(T, job, g, why, now)
return 'ok'
