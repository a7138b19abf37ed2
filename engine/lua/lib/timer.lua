-- The one timer wheel T:t: job -> ms. Under a lease its end, otherwise when the job next needs a worker
-- (for a queued job: its deadline or a notice). Every live job is in it, no other is.

--@include lib/bell.lua

-- When the next job is due, '' when no job lives.
local function timer_next(T)
  return redis.call('ZRANGE', T .. ':t', 0, 0, 'WITHSCORES')[2] or ''
end

-- No worker waits so long without a look of its own (`worker.IDLE_MS` is 12 s): it learns of such a timer in time.
local TIMER_FAR_MS = 20000

-- Set a timer, and wake a waiting worker when it is sooner than what the workers know.
local function timer_wake(T, id, ms, now)
  redis.call('ZADD', T .. ':t', ms, id)
  if ms <= now or (ms - now < TIMER_FAR_MS and redis.call('ZRANGE', T .. ':t', 0, 0)[1] == id) then ring(T) end
end
