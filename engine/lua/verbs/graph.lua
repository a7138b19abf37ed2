#!lua
-- Register a graph version: the only moves a job of this version can ever make. Idempotent.
-- KEYS: prefix
-- ARGV: digest edges*
-- Returns: edges added (edges is flat: id, source|target)
local added = 0
for i = 1, #edges, 2 do
  added = added + redis.call('HSETNX', T .. ':g:' .. digest, edges[i], edges[i + 1])
end
return added
