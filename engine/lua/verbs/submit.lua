#!lua
-- A new job: its keys, its credits held, its place in line. Once for each idem key.
-- KEYS: prefix
-- ARGV: job idem uid cost:int graph now:int due:int deadline:int doc request record event
--   launch:flag max_live:int idem_ms:int feed_ms:int outbox*
-- Returns: created balance | exists balance job | paused balance | busy balance | insufficient balance
--@include lib/job.lua
--@include lib/ledger.lua
--@include lib/legal.lua
--@include lib/ready.lua
--@include lib/timer.lua
--@include lib/event.lua
--@include lib/tell.lua
if not graph_known(T, graph) then
  return redis.error_reply('graph ' .. graph .. ' is not registered in this store')
end
local purse = purse_open(T, uid)
local balance, live = purse.bal, purse.live
local seen = redis.call('GET', T .. ':i:' .. idem)
if seen == job then return { 'created', tostring(balance) } end
if seen then return { 'exists', tostring(balance), job_show(T, seen) } end
if launch then
  if (redis.call('HGET', T .. ':ctl', 'paused') or '') ~= '' then return { 'paused', tostring(balance) } end
  if live >= max_live then return { 'busy', tostring(balance) } end
end
if cost < 0 or balance < cost then return { 'insufficient', tostring(balance) } end

local held = 'none'
if cost > 0 then
  held = 'held'
  purse_pay(purse, 'hold', cost, job, 0, now)
end
purse.live = live + 1
purse_write(purse)
redis.call('SET', T .. ':i:' .. idem, job, 'PX', idem_ms)
redis.call('HSET', T .. ':j:' .. job, 'st', 'queued', 'seq', 0, 'ep', 0, 'gv', graph, 'uid', uid,
  'cost', cost, 'hold', held, 'own', '', 'dl', deadline, 'op', '')
redis.call('SET', T .. ':d:' .. job, doc)
redis.call('SET', T .. ':p:' .. job, request)
redis.call('RPUSH', T .. ':h:' .. job, record)
redis.call('ZADD', T .. ':uj:' .. uid, now, job)
if live <= 0 then redis.call('PERSIST', T .. ':uj:' .. uid) end
redis.call('ZREMRANGEBYRANK', T .. ':uj:' .. uid, 0, -201)
ready_push(T, uid, job, false)
timer_wake(T, job, due, now)
tell_all(T, outbox, now)
count_move(T, '', 'queued', 'submit')
event_add(T, now, feed_ms, event)
return { 'created', tostring(purse.bal) }
