-- Settle what was sent, and open the next window or close the drain, in one step.
--
-- KEYS  1 state  2 lease  3 due  4 front  5 queue  6 back  7 parked  8 tries  9 mail  10 ended  11 changes
-- ARGV  1 token  2 now  3 integration id  4 lease time  5 grace  6 receipt prefix  7 receipt lifetime
--       8 version drained with  9, 10, 11 sent through: front, queue, back
--       12 statements wanted next (0 = close, -1 = only settle)  13 bytes wanted at most  14 how many to release at most
--       15 alert interval  16 alert for what is parked, or ''  17 largest body learned, or ''
--       18 accepted, as JSON: an array of [lane, place, statement id, digest, accepted at, answer]
--       19 parked, likewise: [lane, place, statement id, digest, accepted at, answer, reason, status]
--       20 the accepted ones as a block to be kept, or ''  21 how many  22 their bytes
-- answer  {'lost'} the lease is another's: nothing was changed
--         {'settled', 0, mail}  {'closed', ring, mail}  {'empty', 0, mail}
--         {'window', marks of front, queue, back, mail,
--          then each: lane, place, id, body, accepted at, digest, tried, traceparent, replayed}
-- leaves  accepted ones deleted with their receipt and kept as a block, parked ones set aside, the lease and due
--         renewed; the marks (sent through) cover the window, so that whoever comes next knows what may have arrived.
local AT_ONCE = 1000
local token, now, id = ARGV[1], tonumber(ARGV[2]), ARGV[3]
if not holds(KEYS[1], token) then return {'lost'} end
local lanes = {front = KEYS[4], queue = KEYS[5], back = KEYS[6]}

-- Deleting comes first: a Redis that is full refuses a script whose first write needs memory.
local accepted = cjson.decode(ARGV[18])
local gone = {front = {}, queue = {}, back = {}}
for _, one in ipairs(accepted) do table.insert(gone[one[1]], one[2]) end
for lane, places in pairs(gone) do
  for i = 1, #places, AT_ONCE do
    redis.call('XDEL', lanes[lane], unpack(places, i, math.min(i + AT_ONCE - 1, #places)))
  end
end
local tried_before = #accepted > 0 and redis.call('EXISTS', KEYS[8]) == 1
for _, one in ipairs(accepted) do
  local _, _, sid, digest, accepted_at, answer = unpack(one)
  local tries = 0
  if tried_before then
    tries = tries_of(KEYS[8], sid)
    redis.call('HDEL', KEYS[8], sid)
  end
  redis.call('SET', ARGV[6] .. sid,
    receipt('delivered', digest, accepted_at, ARGV[2], tries + 1, '', answer), 'PX', ARGV[7])
end

if ARGV[20] ~= '' then keep(KEYS[10], ARGV[2], 'z', ARGV[20], 'n', ARGV[21], 's', ARGV[22]) end

local parked, mail = cjson.decode(ARGV[19]), 0
for _, one in ipairs(parked) do
  local lane, place, sid, digest, accepted_at, answer, reason, code = unpack(one)
  local found = redis.call('XRANGE', lanes[lane], place, place)
  if found[1] then
    local what = named(found[1][2])
    redis.call('XDEL', lanes[lane], place)
    local tries = tries_of(KEYS[8], sid) + 1
    redis.call('HSET', KEYS[8], sid, tries .. '|' .. answer)
    local aside = redis.call('XADD', KEYS[7], '*', 'i', sid, 'b', what.b, 't', accepted_at, 'd', digest,
      'p', what.p or '', 'k', what.k or '', 'at', ARGV[2], 'a', answer, 'r', reason, 's', code, 'v', ARGV[8])
    redis.call('SET', ARGV[6] .. sid, receipt('parked', digest, accepted_at, '', tries, aside, answer))
  end
end
if #parked > 0 and ARGV[16] ~= '' then
  mail = raise_alert(KEYS[1], KEYS[9], id, now, tonumber(ARGV[15]), ARGV[16])
end

if #accepted > 0 then redis.call('HSET', KEYS[1], 'delivered', ARGV[2]) end
local status = redis.call('HGET', KEYS[1], 'status')
if status == 'down' and #accepted + #parked > 0 then
  status = 'flowing'
  become(KEYS[1], KEYS[11], status, ARGV[2])
  redis.call('HDEL', KEYS[1], 'reason', 'next')
end
if ARGV[17] ~= '' then redis.call('HSET', KEYS[1], 'largest', ARGV[17]) end
redis.call('HSET', KEYS[1], 'sent_front', ARGV[9], 'sent_queue', ARGV[10], 'sent_back', ARGV[11])

local current = redis.call('HGET', KEYS[1], 'version') == ARGV[8]
local wanted = tonumber(ARGV[12])
if wanted < 0 then return {'settled', 0, mail} end
if status == 'disabled' then
  end_lease(KEYS[1], KEYS[2])
  redis.call('ZREM', KEYS[3], id)
  return {'closed', 0, mail}
end

-- What an older version was refused for, or a person released, goes back in front, in its old order.
local through = redis.call('HGET', KEYS[1], 'release_through')
local version = tonumber(redis.call('HGET', KEYS[1], 'version'))
local more_to_release = false
if wanted > 0 and redis.call('EXISTS', KEYS[7]) == 1 then
  local limit = tonumber(ARGV[14])
  for _, entry in ipairs(redis.call('XRANGE', KEYS[7], '-', '+', 'COUNT', limit + 1)) do
    local what = named(entry[2])
    if tonumber(what.v) >= version and not not_behind(entry[1], through) then break end
    if limit == 0 then more_to_release = true break end
    limit = limit - 1
    local place = line_up(KEYS[4], what)
    redis.call('XDEL', KEYS[7], entry[1])
    local tries, answer = tries_of(KEYS[8], what.i)
    redis.call('SET', ARGV[6] .. what.i, receipt('queued', what.d, what.t, '', tries, place, answer))
  end
end

if waiting(KEYS[4], KEYS[5], KEYS[6]) == 0 then
  if status == 'down' then
    become(KEYS[1], KEYS[11], 'flowing', ARGV[2])
    redis.call('HDEL', KEYS[1], 'reason', 'next')
  end
  end_lease(KEYS[1], KEYS[2])
  redis.call('ZREM', KEYS[3], id)
  return {'empty', 0, mail}
end
if wanted == 0 or not current then
  end_lease(KEYS[1], KEYS[2])
  redis.call('ZADD', KEYS[3], now, id)
  return {'closed', 1, mail}
end

redis.call('SET', KEYS[2], token, 'PX', ARGV[4])
redis.call('ZADD', KEYS[3], now + tonumber(ARGV[5]), id)

local answer = {'window', ARGV[9], ARGV[10], ARGV[11], mail}
local room = tonumber(ARGV[13])
local marks = {front = ARGV[9], queue = ARGV[10], back = ARGV[11]}
for _, lane in ipairs({'front', 'queue', 'back'}) do
  local through = marks[lane]
  -- While more is to be released, nothing may overtake it from behind.
  if wanted > 0 and (lane == 'front' or not more_to_release) then
    local tried = true
    for _, entry in ipairs(redis.call('XRANGE', lanes[lane], '-', '+', 'COUNT', wanted)) do
      local what = named(entry[2])
      room = room - #what.b
      if room < 0 and #answer > 5 then wanted = 0 break end
      wanted = wanted - 1
      -- Entries come in order: behind the first that was not sent, none was.
      tried = tried and not_behind(entry[1], through)
      if not tried then marks[lane] = entry[1] end
      for _, word in ipairs({lane, entry[1], what.i, what.b, what.t, what.d,
        (tried or what.k == '1') and '1' or '0', what.p or '', said(what.o) and '1' or '0'}) do
        answer[#answer + 1] = word
      end
    end
  end
end
redis.call('HSET', KEYS[1], 'sent_front', marks.front, 'sent_queue', marks.queue, 'sent_back', marks.back)
return answer
