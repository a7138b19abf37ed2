-- Credits. Account hash T:a:<who>: bal (free), held. Every movement is a double entry: the sum of bal and
-- held over all accounts, contra accounts (@revenue, @payments, @grants, @trials) among them, is always 0.
-- Rows of T:l:<uid> are immutable. Callers check first; these functions only write what cannot fail.

--@include lib/once.lua

local function account_balance(T, uid)
  return tonumber(redis.call('HGET', T .. ':a:' .. uid, 'bal') or '0')
end

-- An account of a user, read once and written once: what moves in between moves here. It is opened before the
-- first write, so that a damaged one is refused as a whole.
local function purse_open(T, uid)
  local got = redis.call('HMGET', T .. ':a:' .. uid, 'bal', 'held', 'live')
  local purse = { T = T, uid = uid }
  for i, name in ipairs({ 'bal', 'held', 'live' }) do
    purse[name] = assert(tonumber(got[i] or '0'), 'the account of ' .. uid .. ' is damaged: ' .. name)
  end
  return purse
end

local function purse_write(p)
  redis.call('HSET', p.T .. ':a:' .. p.uid, 'bal', p.bal, 'held', p.held, 'live', p.live)
end

-- Move the credits of a job: hold (bal -> held), capture (held -> @revenue), release (held -> bal).
-- Its row is a short one (engine/rows.py): kinds and jobs are our own words.
local function purse_pay(p, move, amount, job, seq, now)
  if move == 'hold' then
    p.bal, p.held = p.bal - amount, p.held + amount
  else
    p.held = p.held - amount
    if move == 'release' then p.bal = p.bal + amount end
    if move == 'capture' then add_later(p.T .. ':a:@revenue', 'bal', amount) end
  end
  redis.call('RPUSH', p.T .. ':l:' .. p.uid,
    string.format('["%s","%s",%.0f,%.0f,%.0f,%.0f]', move, job, seq, now, amount, p.bal))
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
