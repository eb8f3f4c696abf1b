-- Write attempts into a journal, oldest first.
--
-- KEYS  1 journal  2 state
-- ARGV  1 how many to keep  then the attempts, each as JSON
-- answer  nothing
-- leaves  them at the end of the journal, and about as many as are to be kept; nothing of an
--         integration that was deleted while they were made.
if redis.call('HEXISTS', KEYS[2], 'revision') == 0 then return end
for i = 2, #ARGV do redis.call('XADD', KEYS[1], '*', 'j', ARGV[i]) end
redis.call('XTRIM', KEYS[1], 'MAXLEN', '~', ARGV[1])
