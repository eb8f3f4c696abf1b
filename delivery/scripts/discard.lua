-- Give up parked statements: some by id, or a chunk of those parked up to a place.
--
-- KEYS  1 parked  2 tries
-- ARGV  1 now  2 receipt prefix  3 receipt lifetime  4 'chunk' or 'ids'
--       chunk: 5 last place  6 how many at most;  ids: the ids
-- answer  how many were discarded
-- leaves  their receipts, saying so.
local function discard(entry)
  local what = named(entry[2])
  redis.call('XDEL', KEYS[1], entry[1])
  local tries, answer = tries_of(KEYS[2], what.i)
  redis.call('HDEL', KEYS[2], what.i)
  redis.call('SET', ARGV[2] .. what.i,
    receipt('discarded', what.d, what.t, ARGV[1], tries, '', answer), 'PX', ARGV[3])
end

local count = 0
if ARGV[4] == 'chunk' then
  for _, entry in ipairs(redis.call('XRANGE', KEYS[1], '-', ARGV[5], 'COUNT', ARGV[6])) do
    discard(entry)
    count = count + 1
  end
  return count
end
for i = 5, #ARGV do
  local text = redis.call('GET', ARGV[2] .. ARGV[i])
  local parts = text and fields(text)
  local found = parts and parts[1] == 'parked' and redis.call('XRANGE', KEYS[1], parts[6], parts[6])
  if found and found[1] then
    discard(found[1])
    count = count + 1
  end
end
return count
