-- Take the right to send the pending alert of one integration.
--
-- KEYS  1 state  2 mail  3 mail lease
-- ARGV  1 integration id  2 now  3 lease time  4 pause before the next try
-- answer  the pending alert, or nil when there is none or another is sending it
-- leaves  the lease taken; the alert stays pending until `mail_sent`, and is due again after the pause.
local pending = redis.call('HGET', KEYS[1], 'alert')
if not pending then
  redis.call('ZREM', KEYS[2], ARGV[1])
  return nil
end
local taken_until = tonumber(redis.call('GET', KEYS[3]))
if taken_until and taken_until > tonumber(ARGV[2]) then return nil end
redis.call('SET', KEYS[3], tonumber(ARGV[2]) + tonumber(ARGV[3]), 'PX', ARGV[3])
redis.call('ZADD', KEYS[2], tonumber(ARGV[2]) + tonumber(ARGV[4]), ARGV[1])
return pending
