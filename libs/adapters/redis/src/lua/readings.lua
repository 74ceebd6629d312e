-- What each of `asked` reads now, without what the payment itself holds. Each is a JSON head, a scope, and its window:
-- `key` and either `ms` (rolling) or `from` and `to` (calendar); neither for a lifetime; `alone` reads nothing.
-- Returns the readings, or nil and the answer to give instead.
local function readingsOf(asked, counters, held)
  local readings = {}
  for at, limit in ipairs(asked) do
    local counter = counters[limit.scope]
    local reading = { committed = '0', count = 0, open = '0', openCount = 0 }
    if not limit.alone then
      reading.open, reading.openCount = counter.open, counter.openCount
      if held and held.isIn[limit.scope] then
        if exceeds(held.amount, counter.open) then return nil, lost('a counter holds less than is open') end
        reading.open, reading.openCount = minus(counter.open, held.amount), counter.openCount - 1
      end
      if limit.from and (now < limit.from or now >= limit.to) then return nil, { 'clock', text(now) } end
      if limit.key then
        if redis.call('ZCARD', entriesOf(limit.scope)) ~= counter.entries then
          return nil, lost('entries of ' .. limit.scope .. ' are missing')
        end
        local window = windowOf(counter, limit.key, limit.scope, limit.ms and now - limit.ms or limit.from - 1)
        reading.committed, reading.count = window.sum, window.count
      else
        reading.committed, reading.count = counter.spent, counter.spentCount
      end
    end
    reading.json = limit.head
      .. ',"committed":"' .. reading.committed .. '","open":"' .. reading.open
      .. '","committedCount":' .. text(reading.count) .. ',"openCount":' .. text(reading.openCount)
      .. (limit.from and ',"fromMs":' .. text(limit.from) or '') .. '}'
    readings[at] = reading
  end
  return readings
end

local function jsonOf(readings)
  local parts = {}
  for at, reading in ipairs(readings) do parts[at] = reading.json end
  return '[' .. table.concat(parts, ',') .. ']'
end

-- The counters of all `names`, by name.
local function countersOf(names)
  local found = {}
  if #names == 0 then return found end
  local values = redis.call('HMGET', COUNTERS, unpack(names))
  for at, name in ipairs(names) do
    found[name] = counterOf(values[at])
    found[name].isNew = not values[at]
  end
  return found
end
