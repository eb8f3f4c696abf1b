-- Take statements into a queue: all of them, or none.
--
-- KEYS  1 state  2 queue  3 front  4 lease  5 due
-- ARGV  1 now  2 integration id  3 receipt prefix  4 most that may wait  5 pause before the clock rings
--       6 traceparent, or ''; then for each statement: id, digest, body
-- answer  {'unknown'} | {'full'} | {'conflict', id ...} | {'taken', ring, 0 or 1 for each (1 = duplicate)}
-- leaves  a receipt and a place in the queue for each new statement, and the integration due.
local now = tonumber(ARGV[1])
if redis.call('HEXISTS', KEYS[1], 'revision') == 0 then return {'unknown'} end

local answer, conflicts, fresh = {'taken', 0}, {'conflict'}, 0
for i = 7, #ARGV, 3 do
  local text = redis.call('GET', ARGV[3] .. ARGV[i])
  if not text then
    answer[#answer + 1] = 0
    fresh = fresh + 1
  else
    answer[#answer + 1] = 1
    if fields(text)[2] ~= ARGV[i + 1] then conflicts[#conflicts + 1] = ARGV[i] end
  end
end
if #conflicts > 1 then return conflicts end
if fresh == 0 then return answer end
if redis.call('XLEN', KEYS[2]) + redis.call('XLEN', KEYS[3]) + fresh > tonumber(ARGV[4]) then
  return {'full'}
end

for i = 7, #ARGV, 3 do
  if answer[(i - 1) / 3 + 1] == 0 then
    local id, digest, body = ARGV[i], ARGV[i + 1], ARGV[i + 2]
    local place = line_up(KEYS[2], {i = id, b = body, t = ARGV[1], d = digest, p = ARGV[6]})
    redis.call('SET', ARGV[3] .. id, receipt('queued', digest, ARGV[1], '', '0', place, ''))
  end
end

local status = redis.call('HGET', KEYS[1], 'status')
if status == 'down' then
  redis.call('ZADD', KEYS[5], 'NX', redis.call('HGET', KEYS[1], 'next') or now, ARGV[2])
elseif status == 'flowing' and redis.call('EXISTS', KEYS[4]) == 0 then
  redis.call('ZADD', KEYS[5], 'LT', now + tonumber(ARGV[5]), ARGV[2])
  local rung = tonumber(redis.call('HGET', KEYS[1], 'rung'))
  if not rung or now - rung >= tonumber(ARGV[5]) or rung > now then
    redis.call('HSET', KEYS[1], 'rung', ARGV[1])
    answer[2] = 1
  end
end
return answer
