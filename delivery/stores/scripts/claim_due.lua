-- Claim what is due: each is handed to one caller, and comes due again after the grace if nothing came of it.
--
-- KEYS  1 due
-- ARGV  1 now  2 grace  3 how many at most
-- answer  id, status, id, status, ...
-- leaves  the claimed ones due at now + grace. State keys are made from the ids found (no cluster).
local answer = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[3])) do
  local status = redis.call('HGET', 'hub:{' .. id .. '}:state', 'status')
  if not status or status == 'disabled' then
    redis.call('ZREM', KEYS[1], id)
  else
    redis.call('ZADD', KEYS[1], tonumber(ARGV[1]) + tonumber(ARGV[2]), id)
    answer[#answer + 1] = id
    answer[#answer + 1] = status
  end
end
return answer
