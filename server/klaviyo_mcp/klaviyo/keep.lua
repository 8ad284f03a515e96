-- Keeps a sealed answer for a while, and drops the oldest ones of its owner, and of all, that there is no room for.
-- The index is a sorted set of "owner id bytes" by the moment (seconds since 1970, by this server's clock) they end at.
-- KEYS: the index, the answer. ARGV: what the keys of answers begin with, owner, id, the answer, seconds, and how many
-- bytes one owner and all may have. Answers with 1.
local start, owner, id, sealed = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local seconds, most_of_owner, most = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local time = redis.call("TIME")
local now = time[1] + time[2] / 1000000
redis.call("ZREMRANGEBYSCORE", KEYS[1], "-inf", now)
redis.call("SET", KEYS[2], sealed, "PX", math.ceil(seconds * 1000))
redis.call("ZADD", KEYS[1], now + seconds, owner .. " " .. id .. " " .. #sealed)
local of_owner, all = 0, 0
local entries = redis.call("ZREVRANGE", KEYS[1], 0, -1)
for _, entry in ipairs(entries) do
  local whose, which, bytes = string.match(entry, "^(%S+) (%S+) (%d+)$")
  bytes = tonumber(bytes)
  local too_many = all + bytes > most or (whose == owner and of_owner + bytes > most_of_owner)
  if too_many and which ~= id then
    redis.call("DEL", start .. whose .. ":" .. which)
    redis.call("ZREM", KEYS[1], entry)
  else
    all = all + bytes
    if whose == owner then of_owner = of_owner + bytes end
  end
end
if #entries > 0 then redis.call("PEXPIRE", KEYS[1], math.ceil(seconds * 1000) + 1000) end
return 1
