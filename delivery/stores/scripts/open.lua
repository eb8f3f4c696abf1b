-- Write a new operation down, and let it begin.
--
-- KEYS  1 state  2 operation  3 operations of the integration  4 operations of all
-- ARGV  1 now  2 operation id  3 its name among all  4 how many to remember  5 prefix of operations  then its fields
-- answer  1, or 0 when the integration is unknown
-- leaves  it due at once; the oldest of too many that have ended are forgotten.
if redis.call('HEXISTS', KEYS[1], 'revision') == 0 then return 0 end
redis.call('HSET', KEYS[2], unpack(ARGV, 6))
redis.call('ZADD', KEYS[3], ARGV[1], ARGV[2])
redis.call('ZADD', KEYS[4], ARGV[1], ARGV[3])
local excess = redis.call('ZCARD', KEYS[3]) - tonumber(ARGV[4])
for _, old in ipairs(excess > 0 and redis.call('ZRANGE', KEYS[3], 0, excess - 1) or {}) do
  local ended = redis.call('HGET', ARGV[5] .. old, 'ended')
  if ended ~= '' then
    redis.call('DEL', ARGV[5] .. old)
    redis.call('ZREM', KEYS[3], old)
  end
end
return 1
