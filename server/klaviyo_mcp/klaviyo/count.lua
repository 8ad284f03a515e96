-- Counts several things at once or none. KEYS are their counts; ARGV: seconds that counts are kept, then for each the
-- amount and the most there may be. Answers 0, or which does not fit (from 1), and what was counted before.
for index = 1, #KEYS do
  local used = tonumber(redis.call('GET', KEYS[index]) or '0')
  if used + tonumber(ARGV[2 * index]) > tonumber(ARGV[2 * index + 1]) then
    return {index, used}
  end
end
for index = 1, #KEYS do
  redis.call('INCRBY', KEYS[index], ARGV[2 * index])
  redis.call('EXPIRE', KEYS[index], ARGV[1])
end
return {0, 0}
