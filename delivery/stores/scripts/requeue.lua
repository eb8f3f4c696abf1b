-- Put a chunk of what has ended back into a lane, and move the operation's cursor over it, in one step.
--
-- KEYS  1 state  2 lane  3 lease  4 due  5 operation  6 tries
-- ARGV  1 now  2 integration id  3 receipt prefix  4 operation id  5 its cursor so far  6 its cursor from now on
--       7 when it began; then for each statement: id, digest, accepted at, delivered ('1' or '0'), body
-- answer  {'over'} it does not run any more, or another has moved it on: nothing was changed
--         {'moved', ring}
-- leaves  a place in the lane and a receipt for each; those that wait, or have ended since it began, are skipped.
if redis.call('HGET', KEYS[1], 'revision') == false or redis.call('HGET', KEYS[5], 'state') ~= 'running'
  or redis.call('HGET', KEYS[5], 'cursor') ~= ARGV[5] then return {'over'} end

local moved, skipped = 0, 0
for i = 8, #ARGV, 5 do
  local sid, digest, accepted_at = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local before = redis.call('GET', ARGV[3] .. sid)
  local parts = before and fields(before)
  -- A receipt with another digest is of another statement, which was given the id once this one was forgotten.
  if parts and (parts[1] == 'queued' or parts[1] == 'parked' or parts[2] ~= digest
      or tonumber(parts[4]) >= tonumber(ARGV[7])) then
    skipped = skipped + 1
  else
    local place = line_up(KEYS[2], {i = sid, b = ARGV[i + 4], t = accepted_at, d = digest,
      k = ARGV[i + 3] == '1' and '1' or '', o = ARGV[4], w = before or '', u = ARGV[1]})
    redis.call('HSET', KEYS[5], 'last', place)
    local tries, answer = parts and parts[5] or '0', parts and parts[7] or ''
    if tries ~= '0' then redis.call('HSET', KEYS[6], sid, tries .. '|' .. answer) end
    redis.call('SET', ARGV[3] .. sid, receipt('queued', digest, accepted_at, '', tries, place, answer))
    moved = moved + 1
  end
end
redis.call('HSET', KEYS[5], 'cursor', ARGV[6], 'moved_at', ARGV[1])
redis.call('HINCRBY', KEYS[5], 'done', moved)
redis.call('HINCRBY', KEYS[5], 'skipped', skipped)
if moved == 0 then return {'moved', 0} end

local status = redis.call('HGET', KEYS[1], 'status')
if status == 'down' then
  redis.call('ZADD', KEYS[4], 'NX', redis.call('HGET', KEYS[1], 'next') or ARGV[1], ARGV[2])
elseif status == 'flowing' and redis.call('EXISTS', KEYS[3]) == 0 then
  redis.call('ZADD', KEYS[4], 'LT', ARGV[1], ARGV[2])
  return {'moved', 1}
end
return {'moved', 0}
