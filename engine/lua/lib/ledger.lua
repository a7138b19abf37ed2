-- Credits. Account hash T:a:<who>: bal (free), held. Every movement is a double entry: the sum of bal and
-- held over all accounts, contra accounts (@revenue, @payments, @grants, @trials) among them, is always 0.
-- Rows of T:l:<uid> are immutable. Callers check first; these functions only write what cannot fail.

--@include lib/once.lua

local function account_balance(T, uid)
  return tonumber(redis.call('HGET', T .. ':a:' .. uid, 'bal') or '0')
end

-- `id` and `note` are JSON texts; kinds and jobs are our own words and need no escaping.
local function ledger_row(T, uid, row)
  redis.call('RPUSH', T .. ':l:' .. uid, string.format(
    '{"id":%s,"ms":%.0f,"kind":"%s","amount":%.0f,"delta":%.0f,"balance":%.0f,"job":"%s","note":%s}',
    row.id, row.ms, row.kind, row.amount, row.delta, row.balance, row.job or '', row.note or '""'))
end

-- Move the credits of a job: hold (bal -> held), capture (held -> @revenue), release (held -> bal).
-- Answers the user's free balance.
local function pay(T, uid, move, amount, id, job, now)
  local account = T .. ':a:' .. uid
  local delta = 0
  if move == 'hold' then
    delta = -amount
    redis.call('HINCRBY', account, 'held', amount)
  else
    redis.call('HINCRBY', account, 'held', -amount)
    if move == 'release' then delta = amount end
    if move == 'capture' then add_later(T .. ':a:@revenue', 'bal', amount) end
  end
  local balance = redis.call('HINCRBY', account, 'bal', delta)
  ledger_row(T, uid, { id = '"' .. id .. '"', ms = now, kind = move, amount = amount, delta = delta, balance = balance, job = job })
  return balance
end

-- Credits from a contra account (or back to it: a negative amount). Answers the user's free balance.
local function fund(T, uid, kind, contra, amount, id, now, note)
  redis.call('HINCRBY', T .. ':a:' .. contra, 'bal', -amount)
  local balance = redis.call('HINCRBY', T .. ':a:' .. uid, 'bal', amount)
  ledger_row(T, uid,
    { id = cjson.encode(id), ms = now, kind = kind, amount = math.abs(amount), delta = amount, balance = balance, note = note })
  return balance
end
