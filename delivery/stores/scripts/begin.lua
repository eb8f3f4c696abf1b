-- Take the right to drain an integration.
--
-- KEYS  1 state  2 lease  3 due  4 changes
-- ARGV  1 now  2 integration id  3 lease time  4 grace
-- answer  {'held'} another drains | {'idle'} nothing may be sent | {'early'} the next probe is not due yet
--         {'begun', token, status, revision, version, largest body in bytes or '', when a probe was due or '',
--          sent through: front, queue, back}
-- leaves  a new fencing token, so that whoever drained before changes nothing any more.
local now, id = tonumber(ARGV[1]), ARGV[2]
local status = redis.call('HGET', KEYS[1], 'status')
if not status or status == 'disabled' then
  redis.call('ZREM', KEYS[3], id)
  return {'idle'}
end
local left = redis.call('PTTL', KEYS[2])
if left > 0 then
  -- Whoever holds it may be dead: a late command of theirs can have set the lease after the due score.
  redis.call('ZADD', KEYS[3], 'LT', now + left + ARGV[4] - ARGV[3], id)
  return {'held'}
end

local version = redis.call('HGET', KEYS[1], 'version')
if status == 'refused' then
  if redis.call('HGET', KEYS[1], 'refused_version') == version then
    redis.call('ZREM', KEYS[3], id)
    return {'idle'}
  end
  status = 'flowing'
  become(KEYS[1], KEYS[4], status, ARGV[1])
  redis.call('HDEL', KEYS[1], 'reason', 'next', 'refused_version')
end
if status == 'down' then
  local next_attempt = tonumber(redis.call('HGET', KEYS[1], 'next')) or 0
  if next_attempt > now then
    redis.call('ZADD', KEYS[3], next_attempt, id)
    return {'early'}
  end
end

local token = redis.call('HINCRBY', KEYS[1], 'fence', 1)
redis.call('SET', KEYS[2], token, 'PX', ARGV[3])
redis.call('HDEL', KEYS[1], 'rung')
redis.call('ZADD', KEYS[3], now + tonumber(ARGV[4]), id)
return {'begun', tostring(token), status, redis.call('HGET', KEYS[1], 'revision'), version,
        redis.call('HGET', KEYS[1], 'largest') or '', redis.call('HGET', KEYS[1], 'next') or '',
        redis.call('HGET', KEYS[1], 'sent_front') or '',
        redis.call('HGET', KEYS[1], 'sent_queue') or '', redis.call('HGET', KEYS[1], 'sent_back') or ''}
