-- Put a secret that was sealed anew in the place of the one that was read, unless it has changed since.
--
-- KEYS  1 secret
-- ARGV  1 as it was read  2 sealed anew
-- answer  1, or 0 when it is another by now
-- leaves  its lifetime as it was.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'KEEPTTL')
return 1
