-- ARGV[5] when it was spent, in milliseconds; '' releases it
local spentAt = tonumber(ARGV[5])
local how = spentAt and 'committed' or 'released'
if state[1] == how then return { 'done' } end
if state[1] == 'committed' or state[1] == 'released' then return { 'refused', state[1] } end
-- Nothing to spend: the payment is left as it is.
if spentAt and not held then return { 'done' } end

local counters = countersOf(held and held.scopes or {})
for _, counter in pairs(counters) do
  if counter.openCount == 0 or exceeds(held.amount, counter.open) then
    return lost('a counter holds less than is open')
  end
end

-- What no window can ever read again goes: the longest is a year.
local ENTRIES_KEPT_MS, TRIM_EACH = 400 * 86400000, 256
local function spend(scope, counter)
  counter.spent, counter.spentCount = plus(counter.spent, held.amount), counter.spentCount + 1
  local horizon = now - ENTRIES_KEPT_MS
  if spentAt <= horizon then return end
  counter.entries = counter.entries + redis.call('ZADD', entriesOf(scope), text(spentAt), held.amount .. ':' .. id)
  for _, window in ipairs(counter.windows) do
    if spentAt > window.cut then
      window.sum, window.count = plus(window.sum, held.amount), window.count + 1
    end
  end
  if counter.entries % TRIM_EACH ~= 0 then return end
  for _, window in ipairs(counter.windows) do advance(window, scope, horizon) end
  counter.entries = counter.entries - redis.call('ZREMRANGEBYSCORE', entriesOf(scope), '-inf', text(horizon))
end

local fields = {}
for scope, counter in pairs(counters) do
  counter.open, counter.openCount = minus(counter.open, held.amount), counter.openCount - 1
  if spentAt then spend(scope, counter) end
  fields[#fields + 1] = scope
  fields[#fields + 1] = packed(counter)
end
if #fields > 0 then redis.call('HSET', COUNTERS, unpack(fields)) end
if held then
  redis.call('HDEL', OPEN, id)
  opens = opens - 1
end
keepEnd(how)
redis.call('HSET', KEYS[1], 'at', text(now), 'opens', text(opens))
return { 'done' }
