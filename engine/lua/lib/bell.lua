-- The doorbells. `bell`: a timer moved or a job is due. `bellq`: a queued job is ready.
-- Two, so that a worker without a provider slot does not eat the ring meant for others.

--@include lib/once.lua

local function ring(T)
  ring_once(T .. ':bell')
end

local function ring_queue(T)
  ring_once(T .. ':bellq')
end
