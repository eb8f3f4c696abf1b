-- Put an integration back into the due index if it has work and is in no index.
--
-- KEYS  1 state  2 front  3 queue  4 back  5 parked  6 due  7 mail
-- ARGV  1 now  2 integration id
-- answer  1 when something was mended, else 0
local status = redis.call('HGET', KEYS[1], 'status')
if not status then return 0 end
local mended = 0
if redis.call('HEXISTS', KEYS[1], 'alert') == 1 then
  mended = redis.call('ZADD', KEYS[7], 'NX', ARGV[1], ARGV[2])
end
if status == 'disabled' or redis.call('ZSCORE', KEYS[6], ARGV[2]) then return mended end

local version = redis.call('HGET', KEYS[1], 'version')
if status == 'refused' and redis.call('HGET', KEYS[1], 'refused_version') == version then return mended end
local work = waiting(KEYS[2], KEYS[3], KEYS[4]) > 0
if not work then
  local first = redis.call('XRANGE', KEYS[5], '-', '+', 'COUNT', 1)[1]
  work = first and (tonumber(named(first[2]).v) < tonumber(version)
    or not_behind(first[1], redis.call('HGET', KEYS[1], 'release_through')))
end
if not work then return mended end
redis.call('ZADD', KEYS[6], ARGV[1], ARGV[2])
return 1
