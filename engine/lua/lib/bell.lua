-- The doorbells. `bell`: a timer moved or a job is due. `bellq`: a queued job is ready.
-- Two, so that a worker without a provider slot does not eat the ring meant for others.
local function ring(T)
  redis.call('ZADD', T .. ':bell', 0, 'r')
end

local function ring_queue(T)
  redis.call('ZADD', T .. ':bellq', 0, 'r')
end
