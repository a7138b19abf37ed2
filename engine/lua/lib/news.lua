-- What users who are gone have not heard: hash T:u:<uid>:news, notice id -> "<turn> <body>", without a body once
-- it was heard.

local function news_key(T, uid)
  return T .. ':u:' .. uid .. ':news'
end

local function news_turn(value)
  return tonumber(string.match(value, '^(%d+) '))
end

-- What was heard goes first, then the oldest.
local function news_make_room(key)
  local all, oldest, first = redis.call('HGETALL', key), nil, nil
  for i = 1, #all, 2 do
    local turn = news_turn(all[i + 1])
    if string.match(all[i + 1], '^%d+ $') then turn = turn - 2 ^ 52 end
    if not first or turn < first then oldest, first = all[i], turn end
  end
  redis.call('HDEL', key, oldest)
end
