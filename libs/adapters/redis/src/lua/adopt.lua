-- Makes what was written under a generation of its own the tenant's counters, if it is whole and of a newer epoch.
--
-- KEYS[1]  the tenant's fence
-- ARGV[1]  log id, ARGV[2] epoch, ARGV[3] the earliest time it may be, ARGV[4] generation, ARGV[5] how many are open,
-- ARGV[6]  how many counters there are
local replication = redis.call('INFO', 'replication')
if not replication:find('role:master', 1, true) then
  return { 'fault', 'budgets_unavailable', 'the server is a replica' }
end
local fence = redis.call('HMGET', KEYS[1], 'log', 'epoch', 'at')
if fence[1] and fence[1] ~= ARGV[1] then
  return { 'fault', 'budgets_foreign', 'the counters are those of the log ' .. fence[1] }
end
if fence[2] and tonumber(fence[2]) >= tonumber(ARGV[2]) then return { 'outrun' } end
local base = KEYS[1]:sub(1, -6) .. ARGV[4] .. ':'
if redis.call('HLEN', base .. 'open') ~= tonumber(ARGV[5])
  or redis.call('HLEN', base .. 'counters') ~= tonumber(ARGV[6]) then
  return { 'fault', 'budgets_lost', 'not all that was written is there' }
end
local at = math.max(tonumber(ARGV[3]), tonumber(fence[3] or '0'))
redis.call('HSET', KEYS[1], 'log', ARGV[1], 'epoch', ARGV[2], 'replid', replication:match('master_replid:(%x+)'),
  'at', string.format('%.0f', at), 'sequence', '0', 'opens', ARGV[5], 'scopes', ARGV[6], 'generation', ARGV[4])
return { 'opened' }
