-- Close an integration for ever; what it holds is then taken away in chunks.
--
-- KEYS  1 state  2 front  3 queue  4 back  5 parked  6 due  7 mail  8 lease
-- ARGV  1 integration id  2 discard ('1' or '0')
-- answer  how many statements it holds; when that is not 0 and discard is '0', nothing was changed
-- leaves  a state that only says so, for a minute: nothing is accepted, no drain can settle, and no late
--         news of the integration brings it back before the registry has heard.
local held = waiting(KEYS[2], KEYS[3], KEYS[4]) + redis.call('XLEN', KEYS[5])
if held > 0 and ARGV[2] == '0' then return held end
redis.call('DEL', KEYS[1], KEYS[8])
redis.call('ZREM', KEYS[6], ARGV[1])
redis.call('ZREM', KEYS[7], ARGV[1])
redis.call('HSET', KEYS[1], 'retired', '1')
redis.call('PEXPIRE', KEYS[1], 60000)
return held
