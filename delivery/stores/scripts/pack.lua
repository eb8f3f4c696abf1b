-- Put one block in the place of many small ones, once they are older than what still comes in.
--
-- KEYS  1 ended  2 archive
-- ARGV  1 first place  2 last place  3 how many entries stand between  4 the block  5 how many statements
--       6 their bytes  7 when the first ended  8 and the last  9 when the first was accepted  10 how many
--       were discarded
-- answer  1, or 0 if another has packed them: nothing was changed
-- leaves  the block in the archive, at the place of the last of them.
local entries = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[2])
if #entries ~= tonumber(ARGV[3]) then return 0 end
redis.call('XADD', KEYS[2], ARGV[2], 'z', ARGV[4], 'n', ARGV[5], 's', ARGV[6],
  'f', ARGV[7], 'l', ARGV[8], 'o', ARGV[9], 'x', ARGV[10])
for _, entry in ipairs(entries) do redis.call('XDEL', KEYS[1], entry[1]) end
return 1
