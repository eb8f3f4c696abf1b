-- Begin, pause, resume or end an operation.
--
-- KEYS  1 operation  2 operations of all integrations
-- ARGV  1 now  2 its name there  3 the state from now on  4 its lifetime once it has ended, or '0' while it has not
--       then the states from which it may go there
-- answer  the state it is in now, or '' if there is no such operation
-- leaves  it due at once, or, when it has ended or pauses, not any more.
local state = redis.call('HGET', KEYS[1], 'state')
if not state then return '' end
for i = 5, #ARGV do
  if ARGV[i] == state then
    redis.call('HSET', KEYS[1], 'state', ARGV[3], 'moved_at', ARGV[1])
    if ARGV[4] ~= '0' then
      redis.call('HSET', KEYS[1], 'ended', ARGV[1])
      redis.call('PEXPIRE', KEYS[1], ARGV[4])
    end
    if ARGV[4] ~= '0' or ARGV[3] == 'paused' then
      redis.call('ZREM', KEYS[2], ARGV[2])
    else
      redis.call('ZADD', KEYS[2], ARGV[1], ARGV[2])
    end
    return ARGV[3]
  end
end
return state
