-- Tell how some integrations stand. Changes nothing.
--
-- KEYS  none: state and stream keys are made from the ids (no cluster)
-- ARGV  integration ids
-- answer  for each that is known: id, status, waiting, parked, since when the oldest waits (ms) or '',
--         when the last was delivered (ms) or ''
local answer = {}
for _, id in ipairs(ARGV) do
  local key = 'hub:{' .. id .. '}:'
  local state = redis.call('HMGET', key .. 'state', 'status', 'delivered')
  if state[1] then
    local count, oldest = 0, nil
    for _, lane in ipairs({'front', 'queue', 'back'}) do
      local length = redis.call('XLEN', key .. lane)
      if length > 0 then
        local what = named(redis.call('XRANGE', key .. lane, '-', '+', 'COUNT', 1)[1][2])
        local since = tonumber(said(what.u) and what.u or what.t)
        if not oldest or since < oldest then oldest = since end
        count = count + length
      end
    end
    for _, word in ipairs({id, state[1], count, redis.call('XLEN', key .. 'parked'),
      oldest and string.format('%.0f', oldest) or '', state[2] or ''}) do
      answer[#answer + 1] = word
    end
  end
end
return answer
