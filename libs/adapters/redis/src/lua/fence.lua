-- Begins every script: whether these are the counters the caller means, and what time it is. Nothing is written here.
--
-- KEYS[1]  the tenant's fence; every other key is named after it, and shares its hash tag
-- ARGV[1]  log id, ARGV[2] epoch, ARGV[3] the time in milliseconds, or '' for the server's own
--
-- A restart, a promotion and a full resynchronization give the server another replication id; a restored snapshot comes
-- with one of the first two. So whoever finds his own fence under another id finds data that may be old, or may lack
-- what was acknowledged, and must not count on it.
local function fault(code, why) return { 'fault', code, why } end
local function lost(why) return fault('budgets_lost', why) end

local replication = redis.call('INFO', 'replication')
if not replication:find('role:master', 1, true) then
  return fault('budgets_unavailable', 'the server is a replica')
end
local replid = replication:match('master_replid:(%x+)')
local fence = redis.call('HMGET', KEYS[1], 'log', 'epoch', 'replid', 'at', 'sequence', 'opens', 'scopes', 'generation')
local log, epoch = fence[1], tonumber(fence[2])
if not log then return lost('there is no fence') end
if log ~= ARGV[1] then return fault('budgets_foreign', 'the counters are those of the log ' .. log) end
if fence[3] ~= replid then return lost('the server is not the one that was written to') end
if epoch < tonumber(ARGV[2]) then return lost('the counters are of epoch ' .. fence[2]) end
if epoch > tonumber(ARGV[2]) then return fault('budgets_ahead', 'the counters are of epoch ' .. fence[2]) end

local base = KEYS[1]:sub(1, -6) .. fence[8] .. ':'
local OPEN, COUNTERS = base .. 'open', base .. 'counters'
local opens, scopes = tonumber(fence[6]), tonumber(fence[7])
if redis.call('HLEN', OPEN) ~= opens then return lost('open reservations are missing') end
if redis.call('HLEN', COUNTERS) ~= scopes then return lost('counters are missing') end

local now = tonumber(ARGV[3])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
now = math.max(now, tonumber(fence[4]))
