import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { BookedCounter } from './bookings.ts';
import { type Row, bigOf } from './columns.ts';
import { type Spent, SpentSums } from './spent-sums.ts';

/** Most a counter may hold over its life: far below int64, so that no sum of SQLite can overflow. */
export const COUNTER_MAX = 2n ** 62n;

/** Counters kept in memory between two transactions. */
const CACHED_MAX = 10_000;
/** Windows of one counter whose sums are kept: payments of one turn mostly ask about the same ones. */
const SUMS_MAX = 16;

/** What one scope of one tenant holds: open reservations, and all that was ever spent. */
export interface Counter {
  readonly id: bigint;
  readonly open: Spent;
  readonly spent: Spent;
}

class Cached implements Counter {
  readonly id: bigint;
  open: Spent;
  spent: Spent;
  isChanged = false;
  /** By the last millisecond that is left out: what was spent after it. */
  readonly sums = new Map<number, Spent>();

  constructor(id: bigint, open: Spent, spent: Spent) {
    this.id = id;
    this.open = open;
    this.spent = spent;
  }
}

/**
 * The counters, kept in memory and written once per transaction: many payments of one group commit count in the same
 * few. Whoever commits calls {@link write} before, and whoever rolls back calls {@link drop} after it; nobody else has
 * the file open. A counter below zero is an error that is fatal, as it shows a bug or a broken file.
 */
export class Counters {
  readonly #sums: SpentSums;
  readonly #find: StatementSync;
  readonly #findById: StatementSync;
  readonly #update: StatementSync;
  readonly #put: StatementSync;
  readonly #forget: readonly StatementSync[];
  readonly #byScope = new Map<string, Cached>();
  readonly #byId = new Map<bigint, Cached>();
  readonly #changed: Cached[] = [];

  constructor(database: DatabaseSync) {
    this.#sums = new SpentSums(database);
    this.#find = database.prepare('SELECT * FROM counters WHERE tenant = ? AND scope = ?');
    this.#findById = database.prepare('SELECT * FROM counters WHERE id = ?');
    this.#update = database.prepare(`
      UPDATE counters SET open_amount = ?, open_count = ?, spent_amount = ?, spent_count = ?
      WHERE id = ?`);
    this.#put = database.prepare(`
      INSERT INTO counters (tenant, scope, open_amount, open_count, spent_amount, spent_count)
      VALUES (?, ?, ?, ?, ?, ?) RETURNING id`);
    this.#forget = [
      'DELETE FROM spent WHERE counter IN (SELECT id FROM counters WHERE tenant = ?)',
      'DELETE FROM counters WHERE tenant = ?',
    ].map((sql) => database.prepare(sql));
    for (const statement of [this.#find, this.#findById, this.#put]) statement.setReadBigInts(true);
  }

  find(tenant: string, scope: string): Counter | undefined {
    return this.#cached(tenant, scope);
  }

  /** Adds an open reservation and returns the counter's id. */
  take(tenant: string, scope: string, amount: bigint): bigint {
    const counter = this.#cached(tenant, scope) ?? this.#made(tenant, scope);
    this.#change(counter, plus(counter.open, amount, 1), counter.spent);
    return counter.id;
  }

  free(id: bigint, amount: bigint): void {
    const counter = this.#cachedById(id);
    this.#change(counter, plus(counter.open, -amount, -1), counter.spent);
  }

  /** Turns an open reservation into an entry of that time. */
  spend(id: bigint, amount: bigint, spentAtMs: number): void {
    const counter = this.#cachedById(id);
    this.#change(counter, plus(counter.open, -amount, -1), plus(counter.spent, amount, 1));
    this.#sums.add(id, spentAtMs, amount);
    counter.sums.clear();
  }

  /** Forgets when the counter was spent before `beforeMs`; what was ever spent stays in its sum. */
  forgetBefore(id: bigint, beforeMs: number): void {
    this.#sums.forget(id, beforeMs);
  }

  /** Makes a counter that did not exist, and returns its id. */
  put(tenant: string, scope: string, { open, spent, entries }: BookedCounter): bigint {
    const sums = [open.amount, open.count, spent.amount, spent.count] as const;
    const id = bigOf(this.#put.get(tenant, scope, ...sums), 'id');
    this.#sums.fill(id, entries);
    return id;
  }

  forget(tenant: string): void {
    this.write();
    this.drop();
    for (const statement of this.#forget) statement.run(tenant);
  }

  /** What was spent after `cutMs`, itself excluded. */
  spentAfter(id: bigint, cutMs: number): Spent {
    const counter = this.#cachedById(id);
    let spent = counter.sums.get(cutMs);
    if (!spent) {
      if (counter.sums.size >= SUMS_MAX) counter.sums.clear();
      spent = this.#sums.after(id, cutMs);
      counter.sums.set(cutMs, spent);
    }
    return spent;
  }

  /** Writes what changed. */
  write(): void {
    for (const counter of this.#changed) {
      const { id, open, spent } = counter;
      this.#update.run(open.amount, open.count, spent.amount, spent.count, id);
      counter.isChanged = false;
    }
    this.#changed.length = 0;
    if (this.#byId.size > CACHED_MAX) this.drop();
  }

  /** Forgets what is in memory, changes too: the file says what stands. */
  drop(): void {
    this.#byScope.clear();
    this.#byId.clear();
    this.#changed.length = 0;
  }

  #change(counter: Cached, open: Spent, spent: Spent): void {
    if (open.amount < 0n || open.count < 0)
      throw new RangeError(`the counter ${counter.id} would fall below zero`);
    counter.open = open;
    counter.spent = spent;
    if (counter.isChanged) return;
    counter.isChanged = true;
    this.#changed.push(counter);
  }

  #cached(tenant: string, scope: string): Cached | undefined {
    const key = `${tenant}\0${scope}`;
    const known = this.#byScope.get(key);
    if (known) return known;
    const row = this.#find.get(tenant, scope);
    if (row === undefined) return undefined;
    const counter = this.#keep(row);
    this.#byScope.set(key, counter);
    return counter;
  }

  #cachedById(id: bigint): Cached {
    return this.#byId.get(id) ?? this.#keep(this.#findById.get(id));
  }

  /** The one object of a counter, by whichever name it was looked up first. */
  #keep(row: Row): Cached {
    const id = bigOf(row, 'id');
    const known = this.#byId.get(id);
    if (known) return known;
    const counter = new Cached(id, spentOf(row, 'open'), spentOf(row, 'spent'));
    this.#byId.set(id, counter);
    return counter;
  }

  #made(tenant: string, scope: string): Cached {
    const id = bigOf(this.#put.get(tenant, scope, 0, 0, 0, 0), 'id');
    const nothing = { amount: 0n, count: 0 };
    const counter = new Cached(id, nothing, nothing);
    this.#byScope.set(`${tenant}\0${scope}`, counter);
    this.#byId.set(id, counter);
    return counter;
  }
}

function plus({ amount, count }: Spent, more: bigint, times: number): Spent {
  return { amount: amount + more, count: count + times };
}

function spentOf(row: Row, kind: 'open' | 'spent'): Spent {
  return { amount: bigOf(row, `${kind}_amount`), count: Number(bigOf(row, `${kind}_count`)) };
}
