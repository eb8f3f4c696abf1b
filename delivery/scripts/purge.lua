-- Throw away a chunk of what waits in one lane, up to a place.
--
-- KEYS  1 lane  2 tries
-- ARGV  1 now  2 receipt prefix  3 receipt lifetime  4 last place  5 how many at most
-- answer  how many went
-- leaves  their receipts, saying that they were discarded; with a lifetime of 0, no receipts at all.
local count = 0
for _, entry in ipairs(redis.call('XRANGE', KEYS[1], '-', ARGV[4], 'COUNT', ARGV[5])) do
  local what = named(entry[2])
  redis.call('XDEL', KEYS[1], entry[1])
  local tries, answer = tries_of(KEYS[2], what.i)
  redis.call('HDEL', KEYS[2], what.i)
  if ARGV[3] == '0' then
    redis.call('DEL', ARGV[2] .. what.i)
  else
    redis.call('SET', ARGV[2] .. what.i,
      receipt('discarded', what.d, what.t, ARGV[1], tries, '', answer), 'PX', ARGV[3])
  end
  count = count + 1
end
return count
