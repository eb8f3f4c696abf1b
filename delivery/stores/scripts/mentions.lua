-- Give the attempts of a chunk of a journal that mention a statement, newest first. Changes nothing.
--
-- KEYS  1 journal
-- ARGV  1 before this place, or '+'  2 how many to look at  3 statement id
-- answer  {the last place looked at, or '' at the end, then each: place, attempt}
local entries = redis.call('XREVRANGE', KEYS[1], ARGV[1], '-', 'COUNT', ARGV[2])
local answer = {#entries == tonumber(ARGV[2]) and entries[#entries][1] or ''}
for _, entry in ipairs(entries) do
  local attempt = named(entry[2]).j
  if string.find(attempt, ARGV[3], 1, true) then
    answer[#answer + 1] = entry[1]
    answer[#answer + 1] = attempt
  end
end
return answer
