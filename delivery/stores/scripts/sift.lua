-- Release or discard those of a chunk of parked statements that an operation means.
--
-- KEYS  1 state  2 front  3 parked  4 due  5 operation  6 tries  7 ended
-- ARGV  1 now  2 integration id  3 receipt prefix  4 receipt lifetime  5 how many to look at
--       6 keep what is discarded ('1' or '0')
-- answer  {'over'} it does not run any more: nothing was changed
--         {'moved', how many were looked at, how many changed}
-- leaves  released ones in front of the queue, or receipts of discarded ones; the operation's cursor behind them.
if redis.call('HGET', KEYS[5], 'state') ~= 'running' or redis.call('HEXISTS', KEYS[1], 'revision') == 0 then
  return {'over'}
end
local operation = named(redis.call('HGETALL', KEYS[5]))
local from = operation.cursor == '' and '-' or '(' .. operation.cursor
local entries = redis.call('XRANGE', KEYS[3], from, operation.through, 'COUNT', ARGV[5])
local count = 0
for _, entry in ipairs(entries) do
  local what = named(entry[2])
  if is_meant(what, operation.status, operation.since, operation["until"]) then
    redis.call('XDEL', KEYS[3], entry[1])
    local tries, answer = tries_of(KEYS[6], what.i)
    if operation.kind == 'release' then
      local place = line_up(KEYS[2], what)
      redis.call('SET', ARGV[3] .. what.i, receipt('queued', what.d, what.t, '', tries, place, answer))
    else
      if ARGV[6] == '1' then keep_discarded(KEYS[7], what, ARGV[1]) end
      redis.call('HDEL', KEYS[6], what.i)
      redis.call('SET', ARGV[3] .. what.i,
        receipt('discarded', what.d, what.t, ARGV[1], tries, '', answer), 'PX', ARGV[4])
    end
    count = count + 1
  end
end
if #entries > 0 then
  redis.call('HSET', KEYS[5], 'cursor', entries[#entries][1], 'moved_at', ARGV[1])
  redis.call('HINCRBY', KEYS[5], 'done', count)
end
if count > 0 and operation.kind == 'release' and redis.call('HGET', KEYS[1], 'status') == 'flowing' then
  redis.call('ZADD', KEYS[4], 'LT', ARGV[1], ARGV[2])
end
return {'moved', #entries, count}
