-- The one timer wheel T:t: job -> ms. Under a lease its end, otherwise when the job next needs a worker
-- (for a queued job: its deadline or a notice). Every live job is in it, no other is.

--@include lib/bell.lua

-- When the next job is due, '' when no job lives.
local function timer_next(T)
  return redis.call('ZRANGE', T .. ':t', 0, 0, 'WITHSCORES')[2] or ''
end

-- Set a timer, and wake a waiting worker when it is sooner than what the workers know.
local function timer_wake(T, id, ms, now)
  redis.call('ZADD', T .. ':t', ms, id)
  if ms <= now or redis.call('ZRANGE', T .. ':t', 0, 0)[1] == id then ring(T) end
end

local function timer_lease(T, id, now, lease_ms)
  redis.call('ZADD', T .. ':t', now + lease_ms, id)
end
