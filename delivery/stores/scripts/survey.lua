-- Count those of a chunk of parked statements that a selection means. Changes nothing.
--
-- KEYS  1 parked
-- ARGV  1 after this place, or '-'  2 the last place  3 how many to look at  4 status, or ''
--       5 parked since, in ms, or ''  6 parked before, in ms, or ''
-- answer  {the last place looked at, or '' at the end, how many, their bytes, when the oldest was accepted, or ''}
local entries = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[2], 'COUNT', ARGV[3])
local count, size, oldest = 0, 0, ''
for _, entry in ipairs(entries) do
  local what = named(entry[2])
  if is_meant(what, ARGV[4], ARGV[5], ARGV[6]) then
    count, size = count + 1, size + #what.b
    if oldest == '' or tonumber(what.t) < tonumber(oldest) then oldest = what.t end
  end
end
local last = ''
if #entries == tonumber(ARGV[3]) then last = entries[#entries][1] end
return {last, count, size, oldest}
