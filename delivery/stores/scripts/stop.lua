-- End a drain because the LRS is down, or the whole integration was refused.
--
-- KEYS  1 state  2 lease  3 due  4 tries  5 mail  6 changes
-- ARGV  1 token  2 now  3 integration id  4 'down' or 'refused'  5 reason  6 next attempt at
--       7 version drained with  8 alert interval  9 alert  10 answer  then the ids that were tried
-- answer  {'lost'} | {'stopped', ring, mail}
-- leaves  the status with its reason, the next probe due, failed attempts counted, perhaps an alert pending.
local token, now, id = ARGV[1], tonumber(ARGV[2]), ARGV[3]
if not holds(KEYS[1], token) then return {'lost'} end
end_lease(KEYS[1], KEYS[2])

for i = 11, #ARGV do
  local tries = tries_of(KEYS[4], ARGV[i])
  redis.call('HSET', KEYS[4], ARGV[i], (tries + 1) .. '|' .. ARGV[10])
end

local status = redis.call('HGET', KEYS[1], 'status')
if status == 'disabled' then
  redis.call('ZREM', KEYS[3], id)
  return {'stopped', 0, 0}
end
-- The credentials changed while they were being tried: the answer speaks of the old ones.
if redis.call('HGET', KEYS[1], 'version') ~= ARGV[7] then
  redis.call('ZADD', KEYS[3], now, id)
  return {'stopped', 1, 0}
end

if status ~= ARGV[4] then become(KEYS[1], KEYS[6], ARGV[4], ARGV[2], ARGV[5]) end
redis.call('HSET', KEYS[1], 'reason', ARGV[5])
if ARGV[4] == 'down' then
  redis.call('HSET', KEYS[1], 'next', ARGV[6])
  redis.call('ZADD', KEYS[3], ARGV[6], id)
else
  redis.call('HSET', KEYS[1], 'refused_version', ARGV[7])
  redis.call('HDEL', KEYS[1], 'next')
  redis.call('ZREM', KEYS[3], id)
end
return {'stopped', 0, raise_alert(KEYS[1], KEYS[5], id, now, tonumber(ARGV[8]), ARGV[9])}
