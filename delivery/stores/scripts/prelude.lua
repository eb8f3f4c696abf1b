-- Put before every script: what several of them have to say.

-- Receipts are one line each: state|digest|accepted|ended|attempts|place|answer (see receipts.py).
local function receipt(state, digest, accepted, ended, attempts, place, answer)
  return table.concat({state, digest, accepted, ended, attempts, place, answer}, '|')
end

local function fields(text)
  local parts, from = {}, 1
  for _ = 1, 6 do
    local bar = string.find(text, '|', from, true)
    parts[#parts + 1] = string.sub(text, from, bar - 1)
    from = bar + 1
  end
  parts[7] = string.sub(text, from)
  return parts
end

-- A stream entry's fields by name.
local function named(entry)
  local by = {}
  for i = 1, #entry, 2 do by[entry[i]] = entry[i + 1] end
  return by
end

-- Whether a field is there and not empty.
local function said(text)
  return text and text ~= ''
end

-- Put a statement into a lane, with what it brings along; answers its place.
--   p  the trace it belongs to    k  1: it is known to have been delivered before
--   o  the operation that replays it    w  its receipt before that    u  since when it waits
local function line_up(lane, what)
  if said(what.k) or said(what.o) then
    return redis.call('XADD', lane, '*', 'i', what.i, 'b', what.b, 't', what.t, 'd', what.d,
      'p', what.p or '', 'k', what.k or '', 'o', what.o or '', 'w', what.w or '',
      'u', what.u or what.t)
  end
  if said(what.p) then
    return redis.call('XADD', lane, '*', 'i', what.i, 'b', what.b, 't', what.t, 'd', what.d, 'p', what.p)
  end
  return redis.call('XADD', lane, '*', 'i', what.i, 'b', what.b, 't', what.t, 'd', what.d)
end

-- Whether stream id a is not behind stream id b; an empty b is before everything.
local function not_behind(a, b)
  if not b or b == '' then return false end
  local a_ms, a_seq = string.match(a, '(%d+)-(%d+)')
  local b_ms, b_seq = string.match(b, '(%d+)-(%d+)')
  if tonumber(a_ms) ~= tonumber(b_ms) then return tonumber(a_ms) < tonumber(b_ms) end
  return tonumber(a_seq) <= tonumber(b_seq)
end

-- How many statements stand in the three lanes.
local function waiting(front, queue, back)
  return redis.call('XLEN', front) + redis.call('XLEN', queue) + redis.call('XLEN', back)
end

-- Keep an entry where what has ended is kept, at the time by our own clock. Places only grow: behind an
-- entry of a worker whose clock is ahead, this one stands at that time.
local function keep(ended, now, ...)
  local place = redis.pcall('XADD', ended, now .. '-*', ...)
  if type(place) ~= 'table' then return end
  local last = redis.call('XREVRANGE', ended, '+', '-', 'COUNT', 1)[1]
  redis.call('XADD', ended, last and string.match(last[1], '%d+') .. '-*' or '*', ...)
end

-- Keep a statement that was discarded, so that it can be replayed.
local function keep_discarded(ended, what, now)
  keep(ended, now, 'i', what.i, 'b', what.b, 't', what.t, 'd', what.d, 'at', now)
end

-- Whether a selection by HTTP status and by the time of parking means this parked statement.
local function is_meant(what, status, since, before)
  return (not said(status) or what.s == status)
    and (not said(since) or tonumber(what.at) >= tonumber(since))
    and (not said(before) or tonumber(what.at) < tonumber(before))
end

-- Failed attempts of one statement so far, and what the last one was answered.
local function tries_of(key, id)
  local text = redis.call('HGET', key, id)
  if not text then return 0, '' end
  local bar = string.find(text, '|', 1, true)
  return tonumber(string.sub(text, 1, bar - 1)), string.sub(text, bar + 1)
end

-- Forget that a statement was to be replayed: its receipt says again what it said before.
local function unreplay(prefix, tries, what, lifetime)
  redis.call('HDEL', tries, what.i)
  if said(what.w) then
    redis.call('SET', prefix .. what.i, what.w, 'PX', lifetime)
  else
    redis.call('DEL', prefix .. what.i)
  end
end

-- Whether the caller still holds the newest fencing token. The token, not the lease key, is what
-- counts: a lease that lapsed unnoticed does no harm while nobody else has begun.
local function holds(state, token)
  return redis.call('HGET', state, 'fence') == token
end

-- Give the right to drain back. The token goes with it: a renewal that is still on its way must not
-- take the lease again for a drain that has ended.
local function end_lease(state, lease)
  redis.call('DEL', lease)
  redis.call('HINCRBY', state, 'fence', 1)
end

-- Note an alert as pending, within the budget of one per interval. Answers 1 when it is a new one.
local function raise_alert(state, mail, id, now, interval, problem)
  if redis.call('HEXISTS', state, 'alert') == 1 then return 0 end
  local last = tonumber(redis.call('HGET', state, 'alerted'))
  if last and now - last < interval then return 0 end
  redis.call('HSET', state, 'alert', problem)
  redis.call('ZADD', mail, now, id)
  return 1
end

-- Let an integration stand differently from now on, and write that into the time line of its changes.
local CHANGES_KEPT = 200
local function become(state, changes, status, now, reason)
  local before = redis.call('HGET', state, 'status')
  redis.call('HSET', state, 'status', status, 'since', now)
  redis.call('XADD', changes, 'MAXLEN', '~', CHANGES_KEPT, '*',
    'at', now, 'b', before or '', 's', status, 'r', string.sub(reason or '', 1, 500))
end

-- Add counts to a writing of counts, as in tallies.py; of what waited and what was parked, the larger one counts.
local function added(text, counts)
  local sums = {}
  for letter, number in string.gmatch(text, '(%a)(%d+)') do sums[letter] = tonumber(number) end
  for letter, number in pairs(counts) do
    local so_far = sums[letter] or 0
    sums[letter] = (letter == 'Q' or letter == 'P') and math.max(so_far, number) or so_far + number
  end
  local words = {}
  for letter, sum in pairs(sums) do words[#words + 1] = letter .. string.format('%.0f', sum) end
  return table.concat(words)
end

-- Add counts to the steps of an integration's history that a moment falls into; where there are enough, a new
-- step forgets the oldest. `key` is what the names of all its keys begin with.
local function add_to_history(key, at, written)
  local steps = {{'minutes', 60000, 60}, {'hours', 3600000, 168}, {'quarters', 21600000, 120}}
  local counts = {}
  for letter, number in string.gmatch(written, '(%a)(%d+)') do counts[letter] = tonumber(number) end
  for _, one in ipairs(steps) do
    local name, length, kept = key .. one[1], one[2], one[3]
    local step = string.format('%.0f', math.floor(at / length))
    local text = redis.call('HGET', name, step)
    if text then
      redis.call('HSET', name, step, added(text, counts))
    else
      local is_full = redis.call('HLEN', name) >= kept
      for _, old in ipairs(is_full and redis.call('HKEYS', name) or {}) do
        if tonumber(old) <= tonumber(step) - kept then redis.call('HDEL', name, old) end
      end
      redis.call('HSET', name, step, written)
      redis.call('PEXPIRE', name, string.format('%.0f', (kept + 1) * length))
    end
  end
end
