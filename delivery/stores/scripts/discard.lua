-- Give up parked statements: some by id, or a chunk of those parked up to a place.
--
-- KEYS  1 parked  2 tries  3 ended
-- ARGV  1 now  2 receipt prefix  3 receipt lifetime  4 keep them ('1' or '0')  5 'chunk' or 'ids'
--       chunk: 6 last place  7 how many at most;  ids: the ids
-- answer  how many were discarded
-- leaves  their receipts, saying so, and if told so what can be replayed.
local function discard(entry)
  local what = named(entry[2])
  redis.call('XDEL', KEYS[1], entry[1])
  if ARGV[4] == '1' then keep_discarded(KEYS[3], what, ARGV[1]) end
  local tries, answer = tries_of(KEYS[2], what.i)
  redis.call('HDEL', KEYS[2], what.i)
  redis.call('SET', ARGV[2] .. what.i,
    receipt('discarded', what.d, what.t, ARGV[1], tries, '', answer), 'PX', ARGV[3])
end

local count = 0
if ARGV[5] == 'chunk' then
  for _, entry in ipairs(redis.call('XRANGE', KEYS[1], '-', ARGV[6], 'COUNT', ARGV[7])) do
    discard(entry)
    count = count + 1
  end
  return count
end
for i = 6, #ARGV do
  local text = redis.call('GET', ARGV[2] .. ARGV[i])
  local parts = text and fields(text)
  local found = parts and parts[1] == 'parked' and redis.call('XRANGE', KEYS[1], parts[6], parts[6])
  if found and found[1] then
    discard(found[1])
    count = count + 1
  end
end
return count
