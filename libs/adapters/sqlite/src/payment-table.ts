import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Attempt, Booking, OpenReservation } from '@countersign/ports';
import { type Row, bigOf, textOf } from './columns.ts';

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

export class PaymentTable {
  readonly #find: StatementSync;
  readonly #put: StatementSync;
  readonly #end: StatementSync;
  readonly #open: StatementSync;
  readonly #book: StatementSync;
  readonly #forget: StatementSync;

  constructor(database: DatabaseSync) {
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
        answer = NULL, inputs = NULL`);
    this.#open = database.prepare(`
      SELECT payment_id, amount FROM payments WHERE tenant = ? AND state = 'open'
      ORDER BY payment_id`);
    this.#book = database.prepare(`
      INSERT INTO payments (tenant, payment_id, state, amount, counters, spent_at_ms)
      VALUES (?, ?, ?, ?, ?, ?)`);
    this.#forget = database.prepare('DELETE FROM payments WHERE tenant = ?');
    for (const statement of [this.#find, this.#open]) statement.setReadBigInts(true);
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
      counters: textOf(row, 'counters').split(' ').filter(Boolean).map(BigInt),
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
    tenant: string,
    paymentId: string,
    state: 'committed' | 'released',
    spentAtMs: number | null,
  ): void {
    this.#end.run(tenant, paymentId, state, spentAtMs);
  }

  /** Enters what the log says of a payment that the table does not know; it has no answer to repeat. */
  book(tenant: string, payment: Booking, counters: ReadonlyMap<string, bigint>): void {
    const { paymentId, state } = payment;
    const open = state === 'open' ? payment : undefined;
    const ids = (open?.scopes ?? []).map((scope) => counters.get(scope)).join(' ');
    const spentAtMs = state === 'committed' ? payment.spentAtMs : null;
    this.#book.run(tenant, paymentId, state, open?.amount ?? 0n, ids, spentAtMs);
  }

  forget(tenant: string): void {
    this.#forget.run(tenant);
  }

  open(tenant: string): OpenReservation[] {
    return this.#open
      .all(tenant)
      .map((row) => ({ paymentId: textOf(row, 'payment_id'), amount: bigOf(row, 'amount') }));
  }
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
