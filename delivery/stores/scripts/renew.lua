-- Keep the right to drain while a request takes long.
--
-- KEYS  1 state  2 lease  3 due
-- ARGV  1 token  2 now  3 integration id  4 lease time  5 grace
-- answer  1, or 0 when another has begun since
-- leaves  the lease and the due score pushed ahead. A lease that merely lapsed is taken up again.
if not holds(KEYS[1], ARGV[1]) then return 0 end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[4])
redis.call('ZADD', KEYS[3], tonumber(ARGV[2]) + tonumber(ARGV[5]), ARGV[3])
return 1
