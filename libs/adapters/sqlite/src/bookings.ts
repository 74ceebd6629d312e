import type { Booking } from '@countersign/ports';

type Committed = Extract<Booking, { state: 'committed' }>;

/** What one counter holds when a book is opened. */
export interface BookedCounter {
  readonly open: { amount: bigint; count: number };
  readonly spent: { amount: bigint; count: number };
  readonly entries: Committed[];
}

/** Sums bookings by counter. */
export function bookedCounters(payments: readonly Booking[]): ReadonlyMap<string, BookedCounter> {
  const counters = new Map<string, BookedCounter>();
  for (const payment of payments) {
    if (payment.state === 'released') continue;
    for (const scope of payment.scopes) add(counters, scope, payment);
  }
  return counters;
}

function add(
  counters: Map<string, BookedCounter>,
  scope: string,
  payment: Exclude<Booking, { state: 'released' }>,
): void {
  const counter = counters.get(scope) ?? {
    open: { amount: 0n, count: 0 },
    spent: { amount: 0n, count: 0 },
    entries: [],
  };
  counters.set(scope, counter);
  const { amount, state } = payment;
  const sum = state === 'open' ? counter.open : counter.spent;
  sum.amount += amount;
  sum.count += 1;
  if (payment.state === 'committed') counter.entries.push(payment);
}
