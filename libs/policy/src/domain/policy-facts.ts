import { type Facts, type PolicyDocument, findAsset } from '@countersign/contracts';
import { isTimeZone, rescaleUp, utcOffsetMinutes } from '@countersign/kernel';
import { unitsOf } from './conditions.ts';
import { UNIT_DECIMALS } from './subject.ts';

/**
 * The facts with what is read through the policy in force: how far clocks are ahead of UTC in each zone whose hours it
 * names, and whether it counts the payment as part of a stream. They are recorded with the decision: so a replay needs no
 * time zone database, which may have changed, and the log alone says in which counters a payment stands.
 */
export function withPolicyFacts(facts: Facts, policy: PolicyDocument): Facts {
  const zones = timeZonesOf(policy);
  const { stream } = policy;
  if (zones.length === 0 && !stream) return facts;
  const utcOffsets: Record<string, number> = {};
  for (const zone of zones)
    if (isTimeZone(zone)) utcOffsets[zone] = Math.round(utcOffsetMinutes(zone, facts.atMs));
  const established = {
    ...facts.established,
    ...(zones.length > 0 && { utcOffsets }),
    ...(stream && { inStream: isSmall(facts, unitsOf(stream.atMost)) }),
  };
  return { ...facts, established };
}

function isSmall({ quote }: Facts, atMost: bigint): boolean {
  const asset = findAsset(quote.network, quote.asset);
  if (!asset) return false;
  return rescaleUp(BigInt(quote.amount), asset.decimals, UNIT_DECIMALS) <= atMost;
}

/** Asked at every decision, and twenty thousand prohibitions are read once. */
const ZONES = new WeakMap<PolicyDocument, readonly string[]>();

/** The time zones of a policy's hours, each once. */
function timeZonesOf(policy: PolicyDocument): readonly string[] {
  let zones = ZONES.get(policy);
  if (!zones) {
    const rules = [...policy.prohibited, ...policy.tiers, ...policy.flags];
    const hours = rules.flatMap(({ when }) => when.hours ?? []);
    zones = [...new Set(hours.map(({ timeZone }) => timeZone))].sort();
    ZONES.set(policy, zones);
  }
  return zones;
}
