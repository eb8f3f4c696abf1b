-- Throw away a chunk of what waits in one lane, up to a place.
--
-- KEYS  1 lane  2 tries  3 ended
-- ARGV  1 now  2 receipt prefix  3 receipt lifetime  4 last place  5 how many at most  6 keep them ('1' or '0')
-- answer  how many went
-- leaves  their receipts, saying that they were discarded, and if told so what can be replayed; of what was
--         being replayed, the receipt it had before; with a lifetime of 0, no receipts at all.
local count = 0
for _, entry in ipairs(redis.call('XRANGE', KEYS[1], '-', ARGV[4], 'COUNT', ARGV[5])) do
  local what = named(entry[2])
  redis.call('XDEL', KEYS[1], entry[1])
  local tries, answer = tries_of(KEYS[2], what.i)
  redis.call('HDEL', KEYS[2], what.i)
  if ARGV[3] == '0' then
    redis.call('DEL', ARGV[2] .. what.i)
  elseif said(what.o) then
    unreplay(ARGV[2], KEYS[2], what, ARGV[3])
  else
    if ARGV[6] == '1' then keep_discarded(KEYS[3], what, ARGV[1]) end
    redis.call('SET', ARGV[2] .. what.i,
      receipt('discarded', what.d, what.t, ARGV[1], tries, '', answer), 'PX', ARGV[3])
  end
  count = count + 1
end
return count
