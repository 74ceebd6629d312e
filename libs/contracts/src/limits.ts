import type { Limit, Reading } from './decision.ts';

/** Whether a payment of `amount` still fits `limit`, given what its counter held before. */
export function limitHolds(limit: Limit, reading: Reading, amount: bigint): boolean {
  const alone = limit.window.kind === 'payment';
  const taken = alone ? 0n : BigInt(reading.committed) + BigInt(reading.open);
  const count = alone ? 0 : reading.committedCount + reading.openCount;
  const amountFits = limit.atMost === undefined || taken + amount <= BigInt(limit.atMost);
  const countFits = limit.atMostCount === undefined || count + 1 <= limit.atMostCount;
  return amountFits && countFits;
}

/**
 * The first tier whose limits, and all of `always`, hold; null when none does. Every budget store and every replay of a
 * decision uses this one function.
 *
 * @param readings by limit id; a limit without its reading does not hold: in doubt the answer is no.
 */
export function pickTier(
  plan: {
    readonly always: readonly Limit[];
    readonly tiers: readonly { readonly name: string; readonly limits: readonly Limit[] }[];
  },
  readings: ReadonlyMap<string, Reading>,
  amount: bigint,
): string | null {
  const holds = (limit: Limit) => {
    const reading = readings.get(limit.id);
    return reading !== undefined && limitHolds(limit, reading, amount);
  };
  if (!plan.always.every(holds)) return null;
  return plan.tiers.find((tier) => tier.limits.every(holds))?.name ?? null;
}
