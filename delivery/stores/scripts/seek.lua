-- Give those of a chunk of parked statements, newest first, that somebody looks for. Changes nothing.
--
-- KEYS  1 parked
-- ARGV  1 before this place, or '+'  2 how many to look at  3 how many are wanted  4 status, or ''
--       5 parked since, in ms, or ''  6 parked before, in ms, or ''  7 words of the answer, or ''
--       8 how much later than one before it a statement may have been parked by its own clock, in ms
-- answer  {the last place looked at, or '' where no further one can be meant, how many were looked at,
--          then each: place, and its fields and their values}
local entries = redis.call('XREVRANGE', KEYS[1], ARGV[1], '-', 'COUNT', ARGV[2])
local words = string.lower(ARGV[7])
local answer, looked, ended = {'', 0}, 0, #entries < tonumber(ARGV[2])
for _, entry in ipairs(entries) do
  local what = named(entry[2])
  if said(ARGV[5]) and tonumber(what.at) + tonumber(ARGV[8]) < tonumber(ARGV[5]) then
    ended = true
    break
  end
  looked = looked + 1
  answer[1] = entry[1]
  if is_meant(what, ARGV[4], ARGV[5], ARGV[6]) and (words == ''
      or string.find(string.lower(what.r .. '\n' .. what.a), words, 1, true)) then
    answer[#answer + 1] = entry[1]
    answer[#answer + 1] = entry[2]
    if (#answer - 2) / 2 == tonumber(ARGV[3]) then
      -- The page is full: whether something is behind it, the next one finds out.
      ended = ended and looked == #entries
      break
    end
  end
end
if ended then answer[1] = '' end
answer[2] = looked
return answer
