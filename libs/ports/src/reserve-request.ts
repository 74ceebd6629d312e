import type { Limit } from '@countersign/contracts';
import { COUNTABLE_MAX, canonicalText, invariant } from '@countersign/kernel';
import type { ReserveRequest } from './budgets.ts';

/**
 * What every store demands of a request before it looks at a counter.
 *
 * @throws InvariantViolation
 */
export function checkReserve({ amount, attempt, tiers }: ReserveRequest): void {
  invariant(amount >= 0n && amount <= COUNTABLE_MAX, `not a countable amount: ${amount}`);
  for (const part of [attempt.round, attempt.through])
    invariant(Number.isSafeInteger(part) && part >= 0, `not an attempt: ${part}`);
  invariant(new Set(tiers.map((it) => it.name)).size === tiers.length, 'a tier appears twice');
}

/**
 * All limits of a request, in order, each once: what the answer has a reading for.
 *
 * @throws InvariantViolation when two limits of one id read different counters.
 */
export function readingsAsked(request: ReserveRequest): readonly Limit[] {
  const limits = new Map<string, Limit>();
  for (const limit of [...request.always, ...request.tiers.flatMap((tier) => tier.limits)]) {
    const known = limits.get(limit.id);
    invariant(known === undefined || readsAlike(known, limit), `two limits are called ${limit.id}`);
    limits.set(limit.id, limit);
  }
  return [...limits.values()];
}

/** Whether one reading answers both. */
function readsAlike(one: Limit, other: Limit): boolean {
  return one.scope === other.scope && canonicalText(one.window) === canonicalText(other.window);
}
