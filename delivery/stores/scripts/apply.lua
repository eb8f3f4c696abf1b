-- Hear what an integration is now, after the registry has committed it. Safe to repeat.
--
-- KEYS  1 state  2 front  3 queue  4 back  5 parked  6 due  7 integrations  8 changes
-- ARGV  1 now  2 integration id  3 revision  4 version  5 enabled ('1' or '0')
-- answer  1 when there may be work to ring for, else 0
-- leaves  status, version and revision as the table in status.py says, and a change of status in the time line; what
--         waits is due at once.
local now, id = ARGV[1], ARGV[2]
if redis.call('HEXISTS', KEYS[1], 'retired') == 1 then return 0 end
local known = tonumber(redis.call('HGET', KEYS[1], 'revision'))
if known and known > tonumber(ARGV[3]) then return 0 end

local status = redis.call('HGET', KEYS[1], 'status')
local version = redis.call('HGET', KEYS[1], 'version')
redis.call('HSET', KEYS[1], 'revision', ARGV[3], 'version', ARGV[4])
redis.call('SADD', KEYS[7], id)

local after = status
if ARGV[5] == '0' then
  after = 'disabled'
elseif not status or status == 'disabled' or (version ~= ARGV[4] and status ~= 'flowing') then
  after = 'flowing'
end
if after ~= status then
  become(KEYS[1], KEYS[8], after, now)
  redis.call('HDEL', KEYS[1], 'reason', 'next', 'refused_version')
end
if version ~= ARGV[4] then redis.call('HDEL', KEYS[1], 'largest') end
if after == 'disabled' then
  redis.call('ZREM', KEYS[6], id)
  return 0
end
if after ~= 'flowing' then return 0 end

if waiting(KEYS[2], KEYS[3], KEYS[4]) == 0
  and (version == ARGV[4] or redis.call('XLEN', KEYS[5]) == 0) then return 0 end
redis.call('ZADD', KEYS[6], 'LT', now, id)
return 1
