-- Write down how much waits, and how much is parked, now.
--
-- KEYS  none: the keys are made from the ids (no cluster)
-- ARGV  1 now  then integration ids
-- answer  how many have something waiting or parked
-- leaves  it in the history of those.
local count = 0
for i = 2, #ARGV do
  local key = 'hub:{' .. ARGV[i] .. '}:'
  local queued = waiting(key .. 'front', key .. 'queue', key .. 'back')
  local parked = redis.call('XLEN', key .. 'parked')
  if queued + parked > 0 and redis.call('HEXISTS', key .. 'state', 'revision') == 1 then
    add_to_history(key, tonumber(ARGV[1]), 'Q' .. queued .. 'P' .. parked)
    count = count + 1
  end
end
return count
