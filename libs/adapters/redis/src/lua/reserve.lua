-- ARGV[5] round, ARGV[6] through, ARGV[7] amount, ARGV[8] inputs, ARGV[9] the plan as JSON (see plan.ts)
if state[1] == 'committed' or state[1] == 'released' then return { 'ended' } end
local round, through, amount = tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7]
if state[2] then
  local order = round - tonumber(state[2])
  if order == 0 then order = through - tonumber(state[3]) end
  if order < 0 then return { 'superseded' } end
  if order == 0 then
    local first = redis.call('HMGET', PAYMENT, 'answer', 'inputs')
    return { 'answered', first[1], first[2] }
  end
end

local plan = cjson.decode(ARGV[9])
local names = plan.scopes
for _, scope in ipairs(held and held.scopes or {}) do names[#names + 1] = scope end
local counters = countersOf(names)
local readings, instead = readingsOf(plan.readings, counters, held)
if not readings then return instead end

local function fits(test)
  local reading = readings[test.reading]
  if test.atMost and exceeds(plus(plus(reading.committed, reading.open), amount), test.atMost) then return false end
  return not test.atMostCount or reading.count + reading.openCount + 1 <= test.atMostCount
end
local function fitAll(tests)
  for _, test in ipairs(tests) do
    if not fits(test) then return false end
  end
  return true
end

local tier
if fitAll(plan.always) then
  for _, candidate in ipairs(plan.tiers) do
    if fitAll(candidate.tests) then
      tier = candidate
      break
    end
  end
end

local COUNTER_MAX = '4611686018427387904'
if tier then
  for _, scope in ipairs(tier.scopes) do
    local counter = counters[scope]
    if exceeds(plus(plus(counter.open, counter.spent), amount), COUNTER_MAX) then
      return fault('not_countable', 'the counter ' .. scope .. ' is full')
    end
  end
  for _, scope in ipairs(held and held.scopes or {}) do
    local counter = counters[scope]
    if counter.openCount == 0 or exceeds(held.amount, counter.open) then
      return lost('a counter holds less than is open')
    end
    counter.open, counter.openCount = minus(counter.open, held.amount), counter.openCount - 1
  end
  for _, scope in ipairs(tier.scopes) do
    local counter = counters[scope]
    counter.open, counter.openCount = plus(counter.open, amount), counter.openCount + 1
    counter.isTaken = true
  end
end

-- Nothing was written so far. What was read of windows is kept too, so that their edges go forward.
local fields = {}
for scope, counter in pairs(counters) do
  if not counter.isNew or counter.isTaken then
    fields[#fields + 1] = scope
    fields[#fields + 1] = packed(counter)
    if counter.isNew then scopes = scopes + 1 end
  end
end
if #fields > 0 then redis.call('HSET', COUNTERS, unpack(fields)) end
if tier then
  redis.call('HSET', OPEN, id, amount .. ' ' .. tier.held)
  if not held then opens = opens + 1 end
end
local sequence = text(fence[5] + 1)
local answer = '{"epoch":' .. fence[2] .. ',"sequence":' .. sequence .. ',"atMs":' .. text(now)
  .. ',"tier":' .. (tier and tier.json or 'null') .. ',"readings":' .. jsonOf(readings) .. '}'
redis.call('HSET', PAYMENT, 'state', (tier or held) and 'open' or 'none', 'round', ARGV[5], 'through', ARGV[6],
  'answer', answer, 'inputs', ARGV[8])
redis.call('HSET', KEYS[1], 'at', text(now), 'sequence', sequence, 'opens', text(opens), 'scopes', text(scopes))
return { 'answered', answer, ARGV[8] }
