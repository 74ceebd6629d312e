import type { Payment } from './payment.ts';

/** What was recorded by key. A `Map` is one. One over a store answers for all that was ever set, too. */
export interface Table<V> {
  get(key: string): V | undefined;
  set(key: string, value: V): unknown;
}

export interface PaymentTable extends Table<Payment> {
  /** Payments in memory: of a `Map`, all; of one over a store, at least every payment that is not closed. */
  values(): Iterable<Payment>;
}

/** Ids that were seen. A `Set` is one. */
export interface IdTable {
  has(id: string): boolean;
  add(id: string): unknown;
}
