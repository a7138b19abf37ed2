-- One of several who ask for leave with one key and model: see lib/permit.lua for what they share.

--@include lib/permit.lua

-- Until when every slot of the key is taken; 0 = there is room (or the holder is in already).
local function permit_slots(p, holder)
  if p.roomy or p.taken < p.terms.per_key or redis.call('ZSCORE', p.slots, holder) then return 0 end
  local first = redis.call('ZRANGE', p.slots, 0, 0, 'WITHSCORES')
  return tonumber(first[2])
end

-- Until when the window is full, those counted in that this call has let pass.
local function permit_rate(p)
  local creates = p.terms.creates
  if p.made + p.passed < creates then return 0 end
  local oldest = p.passed >= creates and p.now or tonumber(redis.call('LINDEX', p.calls, p.passed - creates))
  local till = oldest + p.terms.window_ms
  return till > p.now and till or 0
end

local function permit_user(p, user, holder)
  if redis.call('ZCARD', user) < p.terms.per_user then return 0 end
  redis.call('ZREMRANGEBYSCORE', user, '-inf', p.now)
  return lim_full(user, holder, p.terms.per_user, p.now)
end

local function permit_pass(p, user, holder, retry)
  local till = p.now + p.terms.lease_ms
  redis.call('ZADD', user, till, holder)
  redis.call('PEXPIRE', user, p.terms.lease_ms)
  if p.roomy then
    p.adds[#p.adds + 1], p.adds[#p.adds + 2] = till, holder
  else
    p.taken = p.taken + redis.call('ZADD', p.slots, till, holder) -- the next one must see it
  end
  p.passed = p.passed + 1
  if retry then p.tokens, p.spent = p.tokens - 1000, true end
  -- What was shut and is due is tried by this call alone, until its answer or the probe's time.
  if p.off > 0 then p.off_till = p.now + p.terms.probe_ms end
  if p.open > 0 then p.open_till = p.now + p.terms.probe_ms end
end

-- One ask: 0 and '' when it may go, else until when not, and why.
local function permit_one(p, holder, uid, retry)
  local now, terms, user = p.now, p.terms, p.T .. ':lim:u:' .. uid
  if p.closed > now then return p.closed, 'closed' end
  if p.off_till > now then return p.off_till, 'key_off' end
  if p.open_till > now then return p.open_till, 'breaker' end
  local till = permit_slots(p, holder)
  if till > 0 then return till, 'slots' end
  till = permit_user(p, user, holder)
  if till > 0 then return till, 'user' end
  if retry then
    p.tokens = p.tokens or lim_tokens(p.T, now, terms.budget, terms.refill_ms)
    if p.tokens < 1000 then return now + math.ceil((1000 - p.tokens) * terms.refill_ms / 1000), 'budget' end
  end
  till = permit_rate(p)
  if till > 0 then return till, 'rate' end
  permit_pass(p, user, holder, retry)
  return 0, ''
end
