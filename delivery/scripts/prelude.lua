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

-- Put a statement into a lane, with the trace it belongs to if there is one; answers its place.
local function line_up(lane, what)
  if what.p and what.p ~= '' then
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

-- Failed attempts of one statement so far, and what the last one was answered.
local function tries_of(key, id)
  local text = redis.call('HGET', key, id)
  if not text then return 0, '' end
  local bar = string.find(text, '|', 1, true)
  return tonumber(string.sub(text, 1, bar - 1)), string.sub(text, bar + 1)
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
