-- A request was answered: from now on it counts for one window more, and what Klaviyo said is believed.
-- KEYS: the buckets. ARGV: turn, rounding, then of each bucket its seconds, and the amount, the number left and the
-- seconds until the end that Klaviyo told, -1 where it did not.
local time = redis.call("TIME")
local now = time[1] + time[2] / 1000000
local turn, rounding = ARGV[1], tonumber(ARGV[2])
local function text(moment) return string.format("%.6f", moment) end
for i, key in ipairs(KEYS) do
  local at = 4 * i - 1
  local seconds, amount, left, reset = tonumber(ARGV[at]), tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
  local latest = redis.call("ZSCORE", key, "~" .. turn)
  if latest then
    redis.call("ZREM", key, "~" .. turn)
    redis.call("ZADD", key, text(math.min(latest, now + seconds)), turn)
  end
  local last = now + seconds
  if reset >= 0 then
    last = math.min(last, now + reset + rounding)
    -- Those a moment later were brought forward before, to an end that was rounded otherwise.
    local later = redis.call("ZRANGEBYSCORE", key, "(" .. text(last + rounding), "+inf")
    for _, member in ipairs(later) do
      if string.sub(member, 1, 1) ~= "~" then redis.call("ZADD", key, text(last), member) end
    end
  end
  if left >= 0 then
    redis.call("ZREMRANGEBYSCORE", key, "-inf", now)
    for number = redis.call("ZCARD", key) + 1, amount - left do
      redis.call("ZADD", key, text(last), "of others " .. turn .. " " .. number)
    end
    redis.call("EXPIRE", key, seconds + 60)
  end
end
