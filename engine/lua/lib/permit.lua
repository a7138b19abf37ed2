-- Leave for several create calls with one key and model, as `verbs/permit.lua` gives it: what they share is
-- read once and written once. See lib/limits.lua for the keys.

--@include lib/limits.lua

-- The answers of a call that comes again.
local function permit_known(record)
  local answers = {}
  for till, why in string.gmatch(record .. ' ', '(%d+) (%S*) ') do
    answers[#answers + 1], answers[#answers + 2] = till, why
  end
  return answers
end

-- `count`: how many ask.
local function permit_open(T, key, model, now, count, terms)
  local p = { T = T, now = now, terms = terms, passed = 0, adds = {} }
  p.mine, p.breaker = T .. ':lim:k:' .. key, T .. ':lim:b:' .. key .. '|' .. model
  p.slots, p.calls = T .. ':lim:s:' .. key, T .. ':lim:r:' .. key
  p.closed = lim_number(T .. ':lim:all', 'closed')
  p.off, p.open = lim_number(p.mine, 'off_until'), lim_number(p.breaker, 'open')
  p.off_till = p.off > 0 and lim_shut(p.mine, 'off_until', now) or 0
  p.open_till = p.open > 0 and lim_shut(p.breaker, 'open', now) or 0
  p.taken, p.made = redis.call('ZCARD', p.slots), redis.call('LLEN', p.calls)
  if p.taken + count > terms.per_key then
    p.taken = p.taken - redis.call('ZREMRANGEBYSCORE', p.slots, '-inf', now)
    p.roomy = p.taken + count <= terms.per_key
  else
    p.roomy = true
  end
  return p
end

local function permit_write(p)
  local now, terms, stamps = p.now, p.terms, {}
  if p.roomy then redis.call('ZADD', p.slots, unpack(p.adds)) end
  redis.call('PEXPIRE', p.slots, terms.lease_ms)
  for i = 1, p.passed do stamps[i] = now end
  if redis.call('RPUSH', p.calls, unpack(stamps)) > terms.creates then
    redis.call('LTRIM', p.calls, -terms.creates, -1)
  end
  if p.spent then lim_set_tokens(p.T, now, p.tokens) end
  if p.off > 0 then redis.call('HSET', p.mine, 'probe', now + terms.probe_ms) end
  if p.open > 0 then redis.call('HSET', p.breaker, 'probe', now + terms.probe_ms) end
end
