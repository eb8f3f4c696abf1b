-- Let parked statements flow again: some by id at once, or all that are parked now, by a mark.
--
-- KEYS  1 state  2 front  3 parked  4 due  5 tries
-- ARGV  1 now  2 integration id  3 receipt prefix  4 'all' or 'ids', then the ids
-- answer  how many were released or marked
-- leaves  released ones in front of the queue, or a mark that the next drain works off in small steps.
local count = 0
if redis.call('HEXISTS', KEYS[1], 'revision') == 0 then return 0 end
if ARGV[4] == 'all' then
  count = redis.call('XLEN', KEYS[3])
  if count == 0 then return 0 end
  local last = redis.call('XREVRANGE', KEYS[3], '+', '-', 'COUNT', 1)
  redis.call('HSET', KEYS[1], 'release_through', last[1][1])
else
  for i = 5, #ARGV do
    local text = redis.call('GET', ARGV[3] .. ARGV[i])
    local parts = text and fields(text)
    local found = parts and parts[1] == 'parked' and redis.call('XRANGE', KEYS[3], parts[6], parts[6])
    if found and found[1] then
      local what = named(found[1][2])
      local place = line_up(KEYS[2], what)
      redis.call('XDEL', KEYS[3], parts[6])
      local tries, answer = tries_of(KEYS[5], what.i)
      redis.call('SET', ARGV[3] .. what.i, receipt('queued', what.d, what.t, '', tries, place, answer))
      count = count + 1
    end
  end
end
if count > 0 and redis.call('HGET', KEYS[1], 'status') == 'flowing' then
  redis.call('ZADD', KEYS[4], 'LT', ARGV[1], ARGV[2])
end
return count
