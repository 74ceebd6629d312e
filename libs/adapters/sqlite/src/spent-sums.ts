import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { bigOf } from './columns.ts';

/**
 * A level's bucket spans 64 buckets of the level below; those of level 0 span one millisecond. Six levels: a bucket of
 * the last spans twelve days, and the longest window (a year) thirty of them.
 */
const FAN_OUT = 64;
const LEVELS = 6;

export interface Spent {
  readonly amount: bigint;
  readonly count: number;
}

interface Entry {
  readonly amount: bigint;
  readonly spentAtMs: number;
}

/**
 * Exact sums of what was spent after any given millisecond, at a cost that does not grow with the number of entries.
 *
 * Time is written in base 64. Every entry is added to one bucket per level; a window is the few whole buckets of each
 * level between its edge and the next bucket of the level above, so at most 63 rows per level. Sums commute, so entries
 * may come in any order of time.
 */
export class SpentSums {
  readonly #add: StatementSync;
  readonly #put: StatementSync;
  readonly #sum: StatementSync;
  readonly #forget: StatementSync;

  constructor(database: DatabaseSync) {
    this.#add = database.prepare(`
      INSERT INTO spent (counter, level, bucket, amount, count) VALUES (?, ?, ?, ?, 1)
      ON CONFLICT DO UPDATE SET amount = amount + excluded.amount, count = count + 1`);
    this.#put = database.prepare(
      'INSERT INTO spent (counter, level, bucket, amount, count) VALUES (?, ?, ?, ?, ?)',
    );
    const parts = Array.from(
      { length: LEVELS },
      (_, level) =>
        `SELECT amount, count FROM spent
         WHERE counter = ?1 AND level = ${level} AND bucket >= ?${2 * level + 2} AND bucket < ?${2 * level + 3}`,
    );
    this.#sum = database.prepare(
      `SELECT coalesce(sum(amount), 0) AS amount, coalesce(sum(count), 0) AS count
       FROM (${parts.join(' UNION ALL ')})`,
    );
    this.#sum.setReadBigInts(true);
    this.#forget = database.prepare(
      'DELETE FROM spent WHERE counter = ? AND level = ? AND bucket < ?',
    );
  }

  add(counter: bigint, spentAtMs: number, amount: bigint): void {
    let bucket = spentAtMs;
    for (let level = 0; level < LEVELS; level += 1) {
      this.#add.run(counter, level, bucket, amount);
      bucket = Math.floor(bucket / FAN_OUT);
    }
  }

  /**
   * Adds all entries of a counter that has none: each row once and in the order of the table, so that millions of them
   * cost the disk no more than their own size.
   */
  fill(counter: bigint, entries: readonly Entry[]): void {
    const sorted = entries.toSorted((one, other) => one.spentAtMs - other.spentAtMs);
    for (let level = 0, span = 1; level < LEVELS; level += 1, span *= FAN_OUT)
      for (const { bucket, amount, count } of summed(sorted, span))
        this.#put.run(counter, level, bucket, amount, count);
  }

  /** Forgets entries that were spent before `beforeMs`: {@link after} is exact from there on. */
  forget(counter: bigint, beforeMs: number): void {
    let bucket = beforeMs;
    for (let level = 0; level < LEVELS; level += 1) {
      this.#forget.run(counter, level, bucket);
      bucket = Math.floor(bucket / FAN_OUT);
    }
  }

  /** Entries spent after `cutMs`, itself excluded. */
  after(counter: bigint, cutMs: number): Spent {
    const edges: number[] = [];
    let from = Math.max(0, cutMs + 1);
    for (let level = 0; level < LEVELS; level += 1) {
      const above = Math.ceil(from / FAN_OUT);
      edges.push(from, level === LEVELS - 1 ? Number.MAX_SAFE_INTEGER : above * FAN_OUT);
      from = above;
    }
    const row = this.#sum.get(counter, ...edges);
    return { amount: bigOf(row, 'amount'), count: Number(bigOf(row, 'count')) };
  }
}

/** The sums of entries in the order of time, by buckets of so many milliseconds. */
function* summed(
  sorted: readonly Entry[],
  span: number,
): Generator<Spent & { readonly bucket: number }> {
  let sum = { bucket: -1, amount: 0n, count: 0 };
  for (const { amount, spentAtMs } of sorted) {
    const bucket = Math.floor(spentAtMs / span);
    if (bucket !== sum.bucket) {
      if (sum.count > 0) yield sum;
      sum = { bucket, amount: 0n, count: 0 };
    }
    sum.amount += amount;
    sum.count += 1;
  }
  if (sum.count > 0) yield sum;
}
