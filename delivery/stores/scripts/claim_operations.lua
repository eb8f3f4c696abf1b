-- Claim operations that are to go on: each is handed to one caller, and is due again after the grace.
--
-- KEYS  1 operations
-- ARGV  1 now  2 grace  3 how many at most
-- answer  their names
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[3])
for _, name in ipairs(due) do redis.call('ZADD', KEYS[1], tonumber(ARGV[1]) + tonumber(ARGV[2]), name) end
return due
