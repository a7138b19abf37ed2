#!lua
-- A transition with everything that belongs to it: state, money, history, timers, outbox, feed, counters.
-- The record at place `seq + 1` carries `op`: a repeated commit is answered from it.
-- `keep`: the worker goes on under its lease; `unclaim` (front door) takes the job from whoever holds it.
-- KEYS: prefix
-- ARGV: job epoch:int seq:int op edge source target money deadline:int doc due:int? keep:flag
--   unclaim:flag now:int record event hints_seen:int retain_ms:int feed_ms:int outbox*
-- Returns: ok | replayed | fenced | stale | illegal | gone
--@include lib/job.lua
--@include lib/legal.lua
--@include lib/ledger.lua
--@include lib/ready.lua
--@include lib/timer.lua
--@include lib/event.lua
--@include lib/tell.lua
local g = job_guards(T, job)
if not g then return 'gone' end
if g.seq > seq and was_done(T, job, seq + 1, op) then return 'replayed' end
local refused = job_refusal(g, epoch, seq)
if refused then return refused end
if g.own == '' and not unclaim then return 'fenced' end
if g.qt then return 'illegal' end
if g.st ~= source or not edge_is_legal(T, g.gv, edge, source, target) then return 'illegal' end
if not money_fits(g.hold, target, money) then return 'illegal' end

local moved = seq + 1
local hold = g.hold
if money ~= '' then hold = money == 'capture' and 'captured' or 'released' end
keep = keep and not unclaim and not TERMINAL[target]
local purse = TERMINAL[target] and purse_open(T, g.uid)
redis.call('HSET', T .. ':j:' .. job, 'st', target, 'seq', moved, 'hold', hold, 'dl', deadline,
  'ep', unclaim and epoch + 1 or epoch, 'own', keep and g.own or '')
redis.call('SET', T .. ':d:' .. job, doc)
redis.call('RPUSH', T .. ':h:' .. job, record)
if hints_seen > 0 then redis.call('LTRIM', T .. ':hi:' .. job, hints_seen, -1) end
if g.st == 'queued' and g.own == '' then ready_drop(T, g.uid, job) end -- a claimed one has left its line
if purse then
  redis.call('ZREM', T .. ':t', job)
  redis.call('DEL', T .. ':p:' .. job, T .. ':hi:' .. job)
  job_expire(T, job, retain_ms)
  if money ~= '' then purse_pay(purse, money, g.cost, job, moved, now) end
  purse.live = purse.live - 1
  purse_write(purse)
  -- indexes never outlive their jobs: they are forgotten only when none of the user's is alive
  if purse.live <= 0 then redis.call('PEXPIRE', T .. ':uj:' .. g.uid, retain_ms) end
elseif not keep then
  if redis.call('EXISTS', T .. ':hi:' .. job) == 1 then due = now end
  timer_wake(T, job, due or now, now)
end
tell_all(T, outbox, now)
count_move(T, source, target, edge)
event_add(T, now, feed_ms, event)
return 'ok'
