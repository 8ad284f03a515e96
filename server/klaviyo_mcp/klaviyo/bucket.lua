-- Takes one from a bucket that fills at an even pace, by the moment (seconds since 1970, by this server's clock) at which
-- it will be full again (the generic cell rate algorithm). KEYS: the bucket. ARGV: how many it holds, and the seconds that
-- each takes to come back. Answers with the seconds to wait, "0" where one was taken.
local time = redis.call("TIME")
local now = time[1] + time[2] / 1000000
local most, each = tonumber(ARGV[1]), tonumber(ARGV[2])
local full = math.max(tonumber(redis.call("GET", KEYS[1]) or now), now) + each
local wait = full - now - most * each
if wait > 0.000001 then return string.format("%.6f", wait) end
redis.call("SET", KEYS[1], string.format("%.6f", full), "PX", math.ceil((full - now) * 1000))
return "0"
