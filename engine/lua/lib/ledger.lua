-- Credits. Account hash T:a:<who>: bal (free), held. Every movement is a double entry: the sum of bal and
-- held over all accounts, contra accounts (@revenue, @payments, @grants, @trials) among them, is always 0.
-- Rows of T:l:<uid> are immutable. Callers check first; these functions only write what cannot fail.

--@include lib/once.lua

local function account_balance(T, uid)
  return tonumber(redis.call('HGET', T .. ':a:' .. uid, 'bal') or '0')
end

-- Move the credits of a job: hold (bal -> held), capture (held -> @revenue), release (held -> bal).
-- Answers the user's free balance. Its row is a short one (engine/rows.py): kinds and jobs are our own words.
local function pay(T, uid, move, amount, job, seq, now)
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
  redis.call('RPUSH', T .. ':l:' .. uid,
    string.format('["%s","%s",%.0f,%.0f,%.0f,%.0f]', move, job, seq, now, amount, balance))
  return balance
end

-- Credits from a contra account (or back to it: a negative amount). Answers the user's free balance.
-- `note` is a JSON text, kinds are our own words.
local function fund(T, uid, kind, contra, amount, id, now, note)
  redis.call('HINCRBY', T .. ':a:' .. contra, 'bal', -amount)
  local balance = redis.call('HINCRBY', T .. ':a:' .. uid, 'bal', amount)
  redis.call('RPUSH', T .. ':l:' .. uid, string.format(
    '{"id":%s,"ms":%.0f,"kind":"%s","amount":%.0f,"delta":%.0f,"balance":%.0f,"job":"","note":%s}',
    cjson.encode(id), now, kind, math.abs(amount), amount, balance, note))
  return balance
end
