-- Note that the alert went out, or that it can never go: the next 24 hours begin now.
--
-- KEYS  1 state  2 mail  3 mail lease  4 mails
-- ARGV  1 integration id  2 now  3 record  4 records kept
-- leaves  nothing pending, the time of the alert, and one more record, unless it was deleted meanwhile.
if redis.call('HDEL', KEYS[1], 'alert') == 1 then redis.call('HSET', KEYS[1], 'alerted', ARGV[2]) end
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('DEL', KEYS[3])
if redis.call('HEXISTS', KEYS[1], 'revision') == 0 then return 0 end
redis.call('LPUSH', KEYS[4], ARGV[3])
redis.call('LTRIM', KEYS[4], 0, ARGV[4] - 1)
return 1
