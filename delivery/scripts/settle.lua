-- Settle what was sent, and open the next window or close the drain, in one step.
--
-- KEYS  1 state  2 lease  3 due  4 queue  5 front  6 parked  7 tries  8 mail
-- ARGV  1 token  2 now  3 integration id  4 lease time  5 grace  6 receipt prefix  7 receipt lifetime
--       8 version drained with  9 sent through, front  10 sent through, queue
--       11 statements wanted next (0 = close, -1 = only settle)  12 bytes wanted at most  13 how many to release at most
--       14 alert interval  15 alert for what is parked, or ''  16 largest body learned, or ''
--       17 how many accepted, then each: lane, place, statement id, digest, accepted at, answer
--       then how many parked, each: lane, place, statement id, digest, accepted at, answer, reason, status
-- answer  {'lost'} the lease is another's: nothing was changed
--         {'settled', 0, mail}  {'closed', ring, mail}  {'empty', 0, mail}
--         {'window', mark front, mark queue, mail, then each: lane, place, id, body, accepted at, digest, tried}
-- leaves  accepted ones deleted with their receipt, parked ones set aside, the lease and due renewed;
--         the marks (sent through) cover the window, so that whoever comes next knows what may have arrived.
local token, now, id = ARGV[1], tonumber(ARGV[2]), ARGV[3]
if not holds(KEYS[1], token) then return {'lost'} end
local lanes = {front = KEYS[5], queue = KEYS[4]}

-- Deleting comes first: a Redis that is full refuses a script whose first write needs memory.
local at = 18
local accepted = tonumber(ARGV[17])
local tried_before = accepted > 0 and redis.call('EXISTS', KEYS[7]) == 1
for _ = 1, accepted do
  local sid = ARGV[at + 2]
  redis.call('XDEL', lanes[ARGV[at]], ARGV[at + 1])
  local tries = 0
  if tried_before then
    tries = tries_of(KEYS[7], sid)
    redis.call('HDEL', KEYS[7], sid)
  end
  redis.call('SET', ARGV[6] .. sid,
    receipt('delivered', ARGV[at + 3], ARGV[at + 4], ARGV[2], tries + 1, '', ARGV[at + 5]), 'PX', ARGV[7])
  at = at + 6
end

local parked = tonumber(ARGV[at])
at = at + 1
local mail = 0
for _ = 1, parked do
  local lane, place, sid = lanes[ARGV[at]], ARGV[at + 1], ARGV[at + 2]
  local found = redis.call('XRANGE', lane, place, place)
  if found[1] then
    local body = named(found[1][2]).b
    redis.call('XDEL', lane, place)
    local tries = tries_of(KEYS[7], sid) + 1
    redis.call('HSET', KEYS[7], sid, tries .. '|' .. ARGV[at + 5])
    local aside = redis.call('XADD', KEYS[6], '*', 'i', sid, 'b', body, 't', ARGV[at + 4], 'd', ARGV[at + 3],
      'at', ARGV[2], 'a', ARGV[at + 5], 'r', ARGV[at + 6], 's', ARGV[at + 7], 'v', ARGV[8])
    redis.call('SET', ARGV[6] .. sid,
      receipt('parked', ARGV[at + 3], ARGV[at + 4], '', tries, aside, ARGV[at + 5]))
  end
  at = at + 8
end
if parked > 0 and ARGV[15] ~= '' then
  mail = raise_alert(KEYS[1], KEYS[8], id, now, tonumber(ARGV[14]), ARGV[15])
end

if accepted > 0 then redis.call('HSET', KEYS[1], 'delivered', ARGV[2]) end
local status = redis.call('HGET', KEYS[1], 'status')
if status == 'down' and accepted + parked > 0 then
  status = 'flowing'
  redis.call('HSET', KEYS[1], 'status', status, 'since', ARGV[2])
  redis.call('HDEL', KEYS[1], 'reason', 'next')
end
if ARGV[16] ~= '' then redis.call('HSET', KEYS[1], 'largest', ARGV[16]) end
redis.call('HSET', KEYS[1], 'sent_front', ARGV[9], 'sent_queue', ARGV[10])

local current = redis.call('HGET', KEYS[1], 'version') == ARGV[8]
local wanted = tonumber(ARGV[11])
if wanted < 0 then return {'settled', 0, mail} end
if status == 'disabled' then
  redis.call('DEL', KEYS[2])
  redis.call('ZREM', KEYS[3], id)
  return {'closed', 0, mail}
end

-- What an older version was refused for, or a person released, goes back in front, in its old order.
local through = redis.call('HGET', KEYS[1], 'release_through')
local version = tonumber(redis.call('HGET', KEYS[1], 'version'))
local more_to_release = false
if wanted > 0 and redis.call('EXISTS', KEYS[6]) == 1 then
  local limit = tonumber(ARGV[13])
  for _, entry in ipairs(redis.call('XRANGE', KEYS[6], '-', '+', 'COUNT', limit + 1)) do
    local what = named(entry[2])
    if tonumber(what.v) >= version and not not_behind(entry[1], through) then break end
    if limit == 0 then more_to_release = true break end
    limit = limit - 1
    local place = redis.call('XADD', KEYS[5], '*', 'i', what.i, 'b', what.b, 't', what.t, 'd', what.d)
    redis.call('XDEL', KEYS[6], entry[1])
    local tries, answer = tries_of(KEYS[7], what.i)
    redis.call('SET', ARGV[6] .. what.i, receipt('queued', what.d, what.t, '', tries, place, answer))
  end
end

local waiting = redis.call('XLEN', KEYS[5]) + redis.call('XLEN', KEYS[4])
if waiting == 0 then
  if status == 'down' then
    redis.call('HSET', KEYS[1], 'status', 'flowing', 'since', ARGV[2])
    redis.call('HDEL', KEYS[1], 'reason', 'next')
  end
  redis.call('DEL', KEYS[2])
  redis.call('ZREM', KEYS[3], id)
  return {'empty', 0, mail}
end
if wanted == 0 or not current then
  redis.call('DEL', KEYS[2])
  redis.call('ZADD', KEYS[3], now, id)
  return {'closed', 1, mail}
end

redis.call('SET', KEYS[2], token, 'PX', ARGV[4])
redis.call('ZADD', KEYS[3], now + tonumber(ARGV[5]), id)

local answer = {'window', ARGV[9], ARGV[10], mail}
local room = tonumber(ARGV[12])
local marks = {front = ARGV[9], queue = ARGV[10]}
for _, lane in ipairs({'front', 'queue'}) do
  -- While more is to be released, nothing may overtake it from the queue.
  if wanted > 0 and not (lane == 'queue' and more_to_release) then
    for _, entry in ipairs(redis.call('XRANGE', lanes[lane], '-', '+', 'COUNT', wanted)) do
      local what = named(entry[2])
      room = room - #what.b
      if room < 0 and #answer > 4 then wanted = 0 break end
      wanted = wanted - 1
      answer[#answer + 1] = lane
      answer[#answer + 1] = entry[1]
      answer[#answer + 1] = what.i
      answer[#answer + 1] = what.b
      answer[#answer + 1] = what.t
      answer[#answer + 1] = what.d
      answer[#answer + 1] = not_behind(entry[1], ARGV[lane == 'front' and 9 or 10]) and '1' or '0'
      if not not_behind(entry[1], marks[lane]) then marks[lane] = entry[1] end
    end
  end
end
redis.call('HSET', KEYS[1], 'sent_front', marks.front, 'sent_queue', marks.queue)
return answer
