-- Counts a request against every bucket, or against none where one has no room.
-- A bucket is a sorted set of requests by the moment (seconds since 1970, by this server's clock) they stop counting at;
-- those under way begin with "~" and stand GRACE too late. A pause is a key that holds its end.
-- KEYS: the buckets, then the pauses. ARGV: turn, ahead (-1 counts, 0 and more only asks), grace, soon, number of
-- buckets, then amount and seconds of each.
-- Answers with the seconds to wait ("0": there is room) and the number of the bucket, 0 for a pause.
local time = redis.call("TIME")
local now = time[1] + time[2] / 1000000
local turn, asked, grace, soon, many = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local ahead = math.max(asked, 0)
local longest, which = 0, 0
for i = many + 1, #KEYS do
  longest = math.max(longest, tonumber(redis.call("GET", KEYS[i]) or now) - now)
end
for i = 1, many do
  local amount, seconds = tonumber(ARGV[4 + 2 * i]), tonumber(ARGV[5 + 2 * i])
  redis.call("ZREMRANGEBYSCORE", KEYS[i], "-inf", now)
  local counted = redis.call("ZCARD", KEYS[i])
  local over = counted + ahead - amount
  if over >= 0 then
    local rounds = math.max(0, math.ceil((over + 1 - counted) / amount))
    local place, wait = over - rounds * amount, 0
    if place >= 0 then
      local found = redis.call("ZRANGE", KEYS[i], place, place, "WITHSCORES")
      wait = found[2] - now
      if string.sub(found[1], 1, 1) == "~" then wait = wait - grace end
    end
    wait = math.max(wait + rounds * seconds, soon)
    if wait > longest then longest, which = wait, i end
  end
end
if longest == 0 and asked < 0 then
  for i = 1, many do
    local seconds = tonumber(ARGV[5 + 2 * i])
    redis.call("ZADD", KEYS[i], string.format("%.6f", now + seconds + grace), "~" .. turn)
    redis.call("EXPIRE", KEYS[i], seconds + 60)
  end
end
return {string.format("%.6f", longest), which}
