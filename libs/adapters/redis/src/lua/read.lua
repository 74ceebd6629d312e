-- ARGV[4] the plan as JSON (see plan.ts)
local plan = cjson.decode(ARGV[4])
local readings, instead = readingsOf(plan.readings, countersOf(plan.scopes), nil)
if not readings then return instead end
return { 'readings', jsonOf(readings) }
