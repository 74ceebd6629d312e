import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { BookedCounter } from './bookings.ts';
import { type Row, bigOf } from './columns.ts';
import { type Spent, SpentSums } from './spent-sums.ts';

/** Most a counter may hold over its life: far below int64, so that no sum of SQLite can overflow. */
export const COUNTER_MAX = 2n ** 62n;

/** What one scope of one tenant holds: open reservations, and all that was ever spent. */
export interface Counter {
  readonly id: bigint;
  readonly open: Spent;
  readonly spent: Spent;
}

/** The table's constraints refuse a counter below zero: the error would be fatal, as it shows a bug or a broken file. */
export class Counters {
  readonly #sums: SpentSums;
  readonly #find: StatementSync;
  readonly #take: StatementSync;
  readonly #free: StatementSync;
  readonly #spend: StatementSync;
  readonly #put: StatementSync;
  readonly #forget: readonly StatementSync[];

  constructor(database: DatabaseSync) {
    this.#sums = new SpentSums(database);
    this.#find = database.prepare('SELECT * FROM counters WHERE tenant = ? AND scope = ?');
    this.#take = database.prepare(`
      INSERT INTO counters (tenant, scope, open_amount, open_count, spent_amount, spent_count)
      VALUES (?, ?, ?, 1, 0, 0)
      ON CONFLICT (tenant, scope) DO UPDATE SET
        open_amount = open_amount + excluded.open_amount, open_count = open_count + 1
      RETURNING id`);
    this.#free = database.prepare(
      'UPDATE counters SET open_amount = open_amount - ?, open_count = open_count - 1 WHERE id = ?',
    );
    this.#spend = database.prepare(`
      UPDATE counters SET open_amount = open_amount - ?1, open_count = open_count - 1,
        spent_amount = spent_amount + ?1, spent_count = spent_count + 1
      WHERE id = ?2`);
    this.#put = database.prepare(`
      INSERT INTO counters (tenant, scope, open_amount, open_count, spent_amount, spent_count)
      VALUES (?, ?, ?, ?, ?, ?) RETURNING id`);
    this.#forget = [
      'DELETE FROM spent WHERE counter IN (SELECT id FROM counters WHERE tenant = ?)',
      'DELETE FROM counters WHERE tenant = ?',
    ].map((sql) => database.prepare(sql));
    for (const statement of [this.#find, this.#take, this.#put]) statement.setReadBigInts(true);
  }

  find(tenant: string, scope: string): Counter | undefined {
    const row = this.#find.get(tenant, scope);
    if (row === undefined) return undefined;
    return { id: bigOf(row, 'id'), open: spentOf(row, 'open'), spent: spentOf(row, 'spent') };
  }

  /** Adds an open reservation and returns the counter's id. */
  take(tenant: string, scope: string, amount: bigint): bigint {
    return bigOf(this.#take.get(tenant, scope, amount), 'id');
  }

  free(counter: bigint, amount: bigint): void {
    this.#free.run(amount, counter);
  }

  /** Turns an open reservation into an entry of that time. */
  spend(counter: bigint, amount: bigint, spentAtMs: number): void {
    this.#spend.run(amount, counter);
    this.#sums.add(counter, spentAtMs, amount);
  }

  /** Makes a counter that did not exist, and returns its id. */
  put(tenant: string, scope: string, { open, spent, entries }: BookedCounter): bigint {
    const sums = [open.amount, open.count, spent.amount, spent.count] as const;
    const id = bigOf(this.#put.get(tenant, scope, ...sums), 'id');
    for (const { amount, spentAtMs } of entries) this.#sums.add(id, spentAtMs, amount);
    return id;
  }

  forget(tenant: string): void {
    for (const statement of this.#forget) statement.run(tenant);
  }

  spentAfter(counter: bigint, cutMs: number): Spent {
    return this.#sums.after(counter, cutMs);
  }
}

function spentOf(row: Row, kind: 'open' | 'spent'): Spent {
  return { amount: bigOf(row, `${kind}_amount`), count: Number(bigOf(row, `${kind}_count`)) };
}
