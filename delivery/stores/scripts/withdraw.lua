-- Take a chunk of what an operation has put into a lane, and what was not sent yet, out of it again.
--
-- KEYS  1 lane  2 tries
-- ARGV  1 receipt prefix  2 receipt lifetime  3 operation id  4 after this place, or '-'  5 how many to look at
-- answer  {the last place looked at, or '' at the end of the lane, how many were taken out}
-- leaves  the receipts that they had before.
local last, count = '', 0
local entries = redis.call('XRANGE', KEYS[1], ARGV[4], '+', 'COUNT', ARGV[5])
for _, entry in ipairs(entries) do
  local what = named(entry[2])
  if what.o == ARGV[3] then
    redis.call('XDEL', KEYS[1], entry[1])
    unreplay(ARGV[1], KEYS[2], what, ARGV[2])
    count = count + 1
  end
end
if #entries == tonumber(ARGV[5]) then last = entries[#entries][1] end
return {last, count}
