-- Amounts are decimal texts without leading zeros: a Lua number is exact up to 2^53 only, and a counter goes to 2^62.
local function text(number) return string.format('%.0f', number) end

local function halves(amount)
  if #amount <= 9 then return 0, tonumber(amount) end
  return tonumber(amount:sub(1, -10)), tonumber(amount:sub(-9))
end

local function joined(high, low)
  if high == 0 then return text(low) end
  return text(high) .. string.format('%09.0f', low)
end

local function plus(one, other)
  if #one < 16 and #other < 16 then return text(one + other) end
  local high, low = halves(one)
  local otherHigh, otherLow = halves(other)
  high, low = high + otherHigh, low + otherLow
  if low >= 1e9 then high, low = high + 1, low - 1e9 end
  return joined(high, low)
end

-- For an `other` that is not greater than `one`.
local function minus(one, other)
  if #one < 16 then return text(one - other) end
  local high, low = halves(one)
  local otherHigh, otherLow = halves(other)
  high, low = high - otherHigh, low - otherLow
  if low < 0 then high, low = high - 1, low + 1e9 end
  return joined(high, low)
end

local function exceeds(one, other)
  if #one ~= #other then return #one > #other end
  return one > other
end

-- A counter is one text: what is open, what was ever spent, how many of these are entries by time; then, for each window
-- that was read, the sum of the entries after `cut`. A window's edge only goes forward, so every entry leaves it once.
local function counterOf(value)
  local counter = { open = '0', openCount = 0, spent = '0', spentCount = 0, entries = 0, windows = {} }
  if not value then return counter end
  local open, openCount, spent, spentCount, entries, rest = value:match('^(%d+) (%d+) (%d+) (%d+) (%d+)(.*)$')
  counter.open, counter.openCount = open, tonumber(openCount)
  counter.spent, counter.spentCount = spent, tonumber(spentCount)
  counter.entries = tonumber(entries)
  for key, cut, sum, count in rest:gmatch('|(%S+) (%-?%d+) (%d+) (%d+)') do
    local window = { key = key, cut = tonumber(cut), sum = sum, count = tonumber(count) }
    counter.windows[#counter.windows + 1] = window
  end
  return counter
end

local function packed(counter)
  local parts = { table.concat({
    counter.open, text(counter.openCount), counter.spent, text(counter.spentCount), text(counter.entries),
  }, ' ') }
  for _, window in ipairs(counter.windows) do
    parts[#parts + 1] = table.concat({ window.key, text(window.cut), window.sum, text(window.count) }, ' ')
  end
  return table.concat(parts, '|')
end

local function entriesOf(scope) return base .. 'spent:' .. scope end

-- Moves a window's edge to `cut`: what was spent up to then leaves it.
local function advance(window, scope, cut)
  if cut <= window.cut then return end
  local left = redis.call('ZRANGEBYSCORE', entriesOf(scope), '(' .. text(window.cut), text(cut))
  for _, entry in ipairs(left) do
    window.sum = minus(window.sum, entry:match('^%d+'))
    window.count = window.count - 1
  end
  window.cut = cut
end

local function summed(key, scope, cut)
  local window = { key = key, cut = cut, sum = '0', count = 0 }
  for _, entry in ipairs(redis.call('ZRANGEBYSCORE', entriesOf(scope), '(' .. text(cut), '+inf')) do
    window.sum = plus(window.sum, entry:match('^%d+'))
    window.count = window.count + 1
  end
  return window
end

local WINDOWS_MAX = 32

-- The sum of a counter's entries after `cut`. An edge that goes back (time zone rules that differ between two callers)
-- is summed anew.
local function windowOf(counter, key, scope, cut)
  for at, window in ipairs(counter.windows) do
    if window.key == key then
      if cut < window.cut then
        window = summed(key, scope, cut)
        counter.windows[at] = window
      else
        advance(window, scope, cut)
      end
      return window
    end
  end
  local window = summed(key, scope, cut)
  if #counter.windows >= WINDOWS_MAX then table.remove(counter.windows, 1) end
  counter.windows[#counter.windows + 1] = window
  return window
end
