import type { Limit, Reading } from './decision.ts';

/** Whether a payment of `amount` still fits `limit`, given what its counter held before. */
export function limitHolds(limit: Limit, reading: Reading, amount: bigint): boolean {
  const { atMost, atMostCount, window } = limit;
  const alone = window.kind === 'payment';
  if (atMostCount !== undefined) {
    const count = alone ? 0 : reading.committedCount + reading.openCount;
    if (count + 1 > atMostCount) return false;
  }
  if (atMost === undefined) return true;
  const { committed, open } = reading;
  // Numbers are exact as long as no part has more digits than this, and are several times as fast.
  if (
    committed.length <= EXACT_DIGITS &&
    open.length <= EXACT_DIGITS &&
    atMost.length <= EXACT_DIGITS &&
    amount < EXACT_AMOUNT
  )
    return (alone ? 0 : Number(committed) + Number(open)) + Number(amount) <= Number(atMost);
  return (alone ? 0n : BigInt(committed) + BigInt(open)) + amount <= BigInt(atMost);
}

/** The sum of three numbers of so many digits is below 2^53. */
const EXACT_DIGITS = 15;
const EXACT_AMOUNT = 10n ** 15n;

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
  if (!allHold(plan.always, readings, amount)) return null;
  for (const tier of plan.tiers) if (allHold(tier.limits, readings, amount)) return tier.name;
  return null;
}

function allHold(
  limits: readonly Limit[],
  readings: ReadonlyMap<string, Reading>,
  amount: bigint,
): boolean {
  for (const limit of limits) {
    const reading = readings.get(limit.id);
    if (reading === undefined || !limitHolds(limit, reading, amount)) return false;
  }
  return true;
}
