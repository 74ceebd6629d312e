-- ARGV[4] is the payment of every script that changes one.
local id = ARGV[4]
local PAYMENT = base .. 'payment:' .. id

-- What is open: an amount, a space, and its counters as JSON.
local function heldOf(value)
  if not value then return nil end
  local amount, names = value:match('^(%d+) (.*)$')
  local held = { amount = amount, scopes = cjson.decode(names), isIn = {} }
  for _, scope in ipairs(held.scopes) do held.isIn[scope] = true end
  return held
end

local state = redis.call('HMGET', PAYMENT, 'state', 'round', 'through')
local held = heldOf(redis.call('HGET', OPEN, id))
if (state[1] == 'open') ~= (held ~= nil) then return lost('what is known of ' .. id .. ' is incomplete') end

-- Ends what is kept of an ended payment: as long as anybody may still come with an old attempt at it.
local ENDED_KEPT_MS = 400 * 86400000
local function keepEnd(how)
  redis.call('DEL', PAYMENT)
  redis.call('HSET', PAYMENT, 'state', how)
  redis.call('PEXPIRE', PAYMENT, ENDED_KEPT_MS)
end
