-- Enters payments into a generation that nobody reads yet; what they add up to is written apart (see generation.ts).
--
-- KEYS[1]  the tenant's fence
-- ARGV[1]  generation, ARGV[2] how long an ended payment is kept, in milliseconds; then state and payment by turns
local base = KEYS[1]:sub(1, -6) .. ARGV[1] .. ':payment:'
for at = 3, #ARGV, 2 do
  local key = base .. ARGV[at + 1]
  redis.call('HSET', key, 'state', ARGV[at])
  if ARGV[at] ~= 'open' then redis.call('PEXPIRE', key, ARGV[2]) end
end
return { 'entered' }
