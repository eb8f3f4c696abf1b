-- Add counts to the history of some integrations.
--
-- KEYS  none: the keys are made from the ids (no cluster)
-- ARGV  for each: integration id, when it happened, counts as in tallies.py
-- answer  nothing
-- leaves  them added to that minute, hour and quarter of a day; nothing of an integration that was deleted meanwhile.
for i = 1, #ARGV, 3 do
  local key = 'hub:{' .. ARGV[i] .. '}:'
  if redis.call('HEXISTS', key .. 'state', 'revision') == 1 then
    add_to_history(key, tonumber(ARGV[i + 1]), ARGV[i + 2])
  end
end
