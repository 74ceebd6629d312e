import type { Booked } from '@countersign/payment';

/** Reservations by payment, as one fold saw them at one moment. */
export type Held = ReadonlyMap<string, Extract<Booked, { state: 'open' }>>;

/** What must be held for payments that have not ended, of all that the fold knows. */
export function heldOf(booked: Iterable<Booked>): Held {
  const held = new Map<string, Extract<Booked, { state: 'open' }>>();
  for (const it of booked) if (it.state === 'open') held.set(it.paymentId, it);
  return held;
}

/**
 * Reservations that the store should have and lacks, or has at another amount.
 *
 * The store runs ahead of any fold, so only what stood still counts: a payment whose reservation was in the log before
 * the store was asked, and unchanged in it after. Nothing that was not in the log by then can have ended it.
 *
 * @param before the fold before the store was asked.
 * @param after the fold once it had all that was in the log when the store had answered.
 */
export function missingFrom(
  open: readonly { readonly paymentId: string; readonly amount: bigint }[],
  before: Held,
  after: Held,
): string[] {
  const amounts = new Map(open.map((it) => [it.paymentId, it.amount]));
  return [...before.values()]
    .filter(({ paymentId, amount }) => {
      const still = after.get(paymentId);
      return still?.amount === amount && amounts.get(paymentId) !== amount;
    })
    .map((it) => it.paymentId);
}
