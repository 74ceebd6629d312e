import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Attempt, Booking, OpenReservation } from '@countersign/ports';
import { type Row, bigOf, numberOf, textOf } from './columns.ts';

/** The latest attempt's first answer and its inputs, kept until the reservation ends. */
interface FirstAnswer {
  readonly attempt: Attempt;
  readonly answer: string;
  readonly inputs: string;
}

/**
 * What the store knows of one payment. `none`: answered, but nothing is reserved. `amount` and `counters` are those of
 * its reservation, which may stem from an earlier attempt than `first` does.
 */
export interface Payment {
  readonly tenant: string;
  readonly paymentId: string;
  readonly state: 'none' | 'open' | 'committed' | 'released';
  readonly amount: bigint;
  readonly counters: readonly bigint[];
  readonly first?: FirstAnswer;
}

const STATES: readonly Payment['state'][] = ['none', 'open', 'committed', 'released'];

/** Whose end nobody can ask for any more, and the counters it was spent in. */
export interface Forgotten {
  readonly counters: readonly bigint[];
}

export class PaymentTable {
  readonly #find: StatementSync;
  readonly #put: StatementSync;
  readonly #end: StatementSync;
  readonly #open: StatementSync;
  readonly #book: StatementSync;
  readonly #noteEnds: StatementSync;
  readonly #forget: readonly StatementSync[];
  readonly #noteEnd: StatementSync;
  readonly #oldest: StatementSync;
  readonly #forgetOne: readonly StatementSync[];

  constructor(database: DatabaseSync) {
    createEnds(database);
    indexHeld(database);
    this.#find = database.prepare('SELECT * FROM payments WHERE tenant = ? AND payment_id = ?');
    this.#put = database.prepare(`
      INSERT INTO payments (tenant, payment_id, state, amount, counters,
        attempt_round, attempt_through, answer, inputs) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (tenant, payment_id) DO UPDATE SET state = excluded.state,
        amount = excluded.amount, counters = excluded.counters,
        attempt_round = excluded.attempt_round, attempt_through = excluded.attempt_through,
        answer = excluded.answer, inputs = excluded.inputs`);
    this.#end = database.prepare(`
      INSERT INTO payments (tenant, payment_id, state, amount, counters, spent_at_ms)
      VALUES (?, ?, ?, 0, '', ?)
      ON CONFLICT (tenant, payment_id) DO UPDATE SET state = excluded.state,
        spent_at_ms = excluded.spent_at_ms, attempt_round = NULL, attempt_through = NULL,
        answer = NULL, inputs = NULL
      RETURNING id`);
    this.#open = database.prepare(`
      SELECT payment_id, amount FROM payments INDEXED BY payments_held
      WHERE tenant = ? AND state = 'open' ORDER BY payment_id`);
    this.#book = database.prepare(`
      INSERT INTO payments (tenant, payment_id, state, amount, counters, spent_at_ms)
      VALUES (?, ?, ?, ?, ?, ?)`);
    this.#noteEnds = database.prepare(`
      INSERT INTO ends SELECT coalesce(spent_at_ms, ?) AS at_ms, id FROM payments
      WHERE tenant = ? AND state IN ('committed', 'released') ORDER BY at_ms, id`);
    this.#forget = [
      'DELETE FROM ends WHERE payment IN (SELECT id FROM payments WHERE tenant = ?)',
      'DELETE FROM payments WHERE tenant = ?',
    ].map((sql) => database.prepare(sql));
    this.#noteEnd = database.prepare('INSERT INTO ends VALUES (?, ?) ON CONFLICT DO NOTHING');
    this.#oldest = database.prepare(`
      SELECT ends.at_ms, ends.payment, payments.counters FROM ends
      JOIN payments ON payments.id = ends.payment
      WHERE ends.at_ms < ? ORDER BY ends.at_ms LIMIT ?`);
    this.#forgetOne = [
      'DELETE FROM ends WHERE at_ms = ? AND payment = ?',
      'DELETE FROM payments WHERE id = ?',
    ].map((sql) => database.prepare(sql));
    for (const statement of [this.#find, this.#open, this.#end, this.#oldest])
      statement.setReadBigInts(true);
  }

  find(tenant: string, paymentId: string): Payment | undefined {
    const row = this.#find.get(tenant, paymentId);
    if (row === undefined) return undefined;
    const first = firstOf(row);
    return {
      tenant,
      paymentId,
      state: stateOf(row),
      amount: bigOf(row, 'amount'),
      counters: countersOf(row),
      ...(first === undefined ? {} : { first }),
    };
  }

  put(payment: Payment & { readonly first: FirstAnswer }): void {
    const { tenant, paymentId, state, amount, counters, first } = payment;
    const { round, through } = first.attempt;
    const ids = counters.join(' ');
    this.#put.run(
      tenant,
      paymentId,
      state,
      amount,
      ids,
      round,
      through,
      first.answer,
      first.inputs,
    );
  }

  /** Ends a payment for good; what no call can ask for again (answer and inputs) goes, so that it shrinks. */
  end(
    { tenant, paymentId }: Pick<Payment, 'tenant' | 'paymentId'>,
    spentAtMs: number | null,
    nowMs: number,
  ): void {
    const state = spentAtMs === null ? 'released' : 'committed';
    const row = this.#end.get(tenant, paymentId, state, spentAtMs);
    this.#noteEnd.run(nowMs, bigOf(row, 'id'));
  }

  /** Forgets the payments that ended longest ago, and before `endedBeforeMs`; at most `max`, so that a call stays short. */
  forgetEnded(endedBeforeMs: number, max: number): readonly Forgotten[] {
    return this.#oldest.all(endedBeforeMs, max).map((row) => {
      const [ends, payments] = this.#forgetOne;
      const id = bigOf(row, 'payment');
      ends?.run(bigOf(row, 'at_ms'), id);
      payments?.run(id);
      return { counters: countersOf(row) };
    });
  }

  /**
   * Enters what the log says of payments, none of which the table knows; they have no answer to repeat. Each index is
   * written in its own order: ids are hashes, and of millions in no order every one would change another page.
   */
  book(
    tenant: string,
    payments: readonly Booking[],
    { counters, nowMs }: { counters: ReadonlyMap<string, bigint>; nowMs: number },
  ): void {
    for (const payment of payments.toSorted(byId)) {
      const { paymentId, state } = payment;
      const scopes = state === 'released' ? [] : payment.scopes;
      const ids = scopes.map((scope) => counters.get(scope)).join(' ');
      const amount = state === 'open' ? payment.amount : 0n;
      const spentAtMs = state === 'committed' ? payment.spentAtMs : null;
      this.#book.run(tenant, paymentId, state, amount, ids, spentAtMs);
    }
    this.#noteEnds.run(nowMs, tenant);
  }

  forget(tenant: string): void {
    for (const statement of this.#forget) statement.run(tenant);
  }

  open(tenant: string): OpenReservation[] {
    return this.#open
      .all(tenant)
      .map((row) => ({ paymentId: textOf(row, 'payment_id'), amount: bigOf(row, 'amount') }));
  }
}

/**
 * Which payments ended when, by the store's clock. In a file without this table, all that has ended is taken to have ended
 * at its opening. A program that does not know the table ignores it.
 */
function createEnds(database: DatabaseSync): void {
  const known = database.prepare(
    "SELECT count(*) AS tables FROM sqlite_schema WHERE name = 'ends'",
  );
  if (numberOf(known.get(), 'tables') > 0) return;
  database.exec(`BEGIN IMMEDIATE;
    CREATE TABLE ends (at_ms INTEGER NOT NULL, payment INTEGER NOT NULL,
      PRIMARY KEY (at_ms, payment)) STRICT, WITHOUT ROWID;
    INSERT INTO ends SELECT clock_ms, payments.id FROM payments, meta
      WHERE state IN ('committed', 'released');
    COMMIT`);
}

/**
 * Finds the open reservations of a tenant. In the order in which they were made: in an index by payment id, which is a
 * hash, each one changes one more page somewhere in the file, which every commit then has to write.
 */
function indexHeld(database: DatabaseSync): void {
  database.exec(`
    CREATE INDEX IF NOT EXISTS payments_held ON payments (tenant) WHERE state = 'open';
    DROP INDEX IF EXISTS payments_open`);
}

function byId(one: Booking, other: Booking): number {
  return one.paymentId < other.paymentId ? -1 : Number(one.paymentId > other.paymentId);
}

function countersOf(row: Row): bigint[] {
  return textOf(row, 'counters').split(' ').filter(Boolean).map(BigInt);
}

function stateOf(row: Row): Payment['state'] {
  const text = textOf(row, 'state');
  const state = STATES.find((it) => it === text);
  if (state === undefined) throw new TypeError(`no such state: ${text}`);
  return state;
}

function firstOf(row: Row): FirstAnswer | undefined {
  if (row?.['answer'] === null) return undefined;
  return {
    attempt: {
      round: Number(bigOf(row, 'attempt_round')),
      through: Number(bigOf(row, 'attempt_through')),
    },
    answer: textOf(row, 'answer'),
    inputs: textOf(row, 'inputs'),
  };
}
