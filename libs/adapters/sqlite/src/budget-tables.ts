import type { DatabaseSync } from 'node:sqlite';
import { type Limit, type Reading, ReservationAnswer, pickTier } from '@countersign/contracts';
import {
  Fault,
  InvariantViolation,
  calendarSpan,
  invariant,
  unreachable,
} from '@countersign/kernel';
import {
  ENDED_KEPT_MS,
  type Attempt,
  type Book,
  type Bookings,
  type OpenReservation,
  type ReserveRequest,
  type ReserveResult,
  checkReserve,
  readingsAsked,
} from '@countersign/ports';
import { bookedCounters } from './bookings.ts';
import { COUNTER_MAX, type Counter, Counters } from './counters.ts';
import { Epochs } from './epochs.ts';
import { type Payment, PaymentTable } from './payment-table.ts';

/** Old payments that one new end lets go of: more than one, so that a backlog is worked off. */
const FORGET_EACH = 4;

const NOTHING = { committed: '0', open: '0', committedCount: 0, openCount: 0 };

/**
 * Reservations and counters as one state machine over tables. Synchronous, and unaware of transactions: every write
 * happens inside one that the caller opened, who calls {@link write} before it commits and {@link drop} after a rollback.
 * All refusals come before the first write.
 */
export class BudgetTables {
  readonly #payments: PaymentTable;
  readonly #counters: Counters;
  readonly #epochs: Epochs;

  constructor(database: DatabaseSync) {
    this.#payments = new PaymentTable(database);
    this.#counters = new Counters(database);
    this.#epochs = new Epochs(database);
  }

  reserve(request: ReserveRequest, nowMs: number): ReserveResult {
    checkReserve(request);
    this.#epochs.demand(request);
    const { tenant, paymentId, attempt, amount, inputs } = request;
    const earlier = this.#payments.find(tenant, paymentId);
    if (earlier?.state === 'committed' || earlier?.state === 'released') return { kind: 'ended' };
    if (earlier?.first) {
      const order = compareAttempts(attempt, earlier.first.attempt);
      if (order < 0) return { kind: 'superseded' };
      if (order === 0)
        return {
          kind: 'answered',
          answer: ReservationAnswer.parse(JSON.parse(earlier.first.answer)),
          inputs: earlier.first.inputs,
        };
    }
    const held = earlier?.state === 'open' ? earlier : undefined;
    const readings = this.#readings(tenant, readingsAsked(request), nowMs, held);
    const tierName = pickTier(request, new Map(readings.map((it) => [it.limitId, it])), amount);
    const tier = request.tiers.find((it) => it.name === tierName);
    const scopes = tier ? [...new Set([...request.scopes, tier.scope])] : [];
    this.#checkRoom(tenant, scopes, amount);

    const answer = {
      epoch: request.epoch,
      sequence: this.#epochs.nextSequence(tenant),
      atMs: nowMs,
      tier: tierName,
      readings,
    };
    const taken = tier ? this.#replace(tenant, held, scopes, amount) : earlier;
    this.#payments.put({
      tenant,
      paymentId,
      state: tier || held ? 'open' : 'none',
      amount: taken?.amount ?? 0n,
      counters: taken?.counters ?? [],
      first: { attempt, answer: JSON.stringify(answer), inputs },
    });
    return { kind: 'answered', answer, inputs };
  }

  commit(book: Book, paymentId: string, spentAtMs: number, nowMs: number): void {
    const { tenant } = book;
    this.#epochs.demand(book);
    invariant(Number.isSafeInteger(spentAtMs) && spentAtMs >= 0, `not a time: ${spentAtMs}`);
    const payment = this.#payments.find(tenant, paymentId);
    if (payment?.state === 'released')
      throw new InvariantViolation(`${paymentId} was released and cannot be committed`);
    if (payment?.state !== 'open') return;
    for (const counter of payment.counters)
      this.#counters.spend(counter, payment.amount, spentAtMs);
    this.#payments.end(payment, spentAtMs, nowMs);
    this.#forgetOld(nowMs);
  }

  release(book: Book, paymentId: string, nowMs: number): void {
    const { tenant } = book;
    this.#epochs.demand(book);
    const payment = this.#payments.find(tenant, paymentId);
    if (payment?.state === 'committed')
      throw new InvariantViolation(`${paymentId} was committed and cannot be released`);
    if (payment?.state === 'released') return;
    if (payment?.state === 'open')
      for (const counter of payment.counters) this.#counters.free(counter, payment.amount);
    this.#payments.end({ tenant, paymentId }, null, nowMs);
    this.#forgetOld(nowMs);
  }

  readings(book: Book, limits: readonly Limit[], nowMs: number): readonly Reading[] {
    this.#epochs.demand(book);
    return this.#readings(book.tenant, limits, nowMs, undefined);
  }

  open(book: Book): readonly OpenReservation[] {
    this.#epochs.demand(book);
    return this.#payments.open(book.tenant);
  }

  rebuild(book: Book, { payments }: Bookings, nowMs: number): 'opened' | 'outrun' {
    const { tenant } = book;
    const counters = bookedCounters(payments);
    for (const [scope, { open, spent }] of counters)
      if (open.amount + spent.amount > COUNTER_MAX) throw full(scope);
    if (!this.#epochs.open(book)) return 'outrun';
    this.#payments.forget(tenant);
    this.#counters.forget(tenant);
    const ids = new Map<string, bigint>();
    for (const [scope, counter] of counters)
      ids.set(scope, this.#counters.put(tenant, scope, counter));
    for (const id of ids.values()) this.#counters.forgetBefore(id, nowMs - ENDED_KEPT_MS);
    this.#payments.book(tenant, payments, { counters: ids, nowMs });
    return 'opened';
  }

  /** Writes what is still in memory alone. */
  write(): void {
    this.#counters.write();
    this.#epochs.write();
  }

  /** Forgets what is in memory; for after a rollback. */
  drop(): void {
    this.#counters.drop();
    this.#epochs.drop();
  }

  /** What the limits' counters hold without the reservation the payment holds itself. */
  #readings(
    tenant: string,
    limits: readonly Limit[],
    nowMs: number,
    held: Payment | undefined,
  ): Reading[] {
    return limits.map((limit) =>
      this.#reading(limit, this.#counters.find(tenant, limit.scope), nowMs, held),
    );
  }

  #reading(
    limit: Limit,
    counter: Counter | undefined,
    nowMs: number,
    held: Payment | undefined,
  ): Reading {
    const { id: limitId, scope, window } = limit;
    const lastBeforeMs = beforeWindow(window, nowMs);
    const fromMs = window.kind === 'calendar' && { fromMs: lastBeforeMs + 1 };
    // A limit on the payment alone reads no counter, whatever stands beside it.
    if (counter === undefined || window.kind === 'payment')
      return { limitId, scope, ...NOTHING, ...fromMs };
    const own = held !== undefined && held.counters.includes(counter.id);
    const spent =
      window.kind === 'lifetime'
        ? counter.spent
        : this.#counters.spentAfter(counter.id, lastBeforeMs);
    return {
      limitId,
      scope,
      committed: String(spent.amount),
      open: String(counter.open.amount - (own ? held.amount : 0n)),
      committedCount: spent.count,
      openCount: counter.open.count - (own ? 1 : 0),
      ...fromMs,
    };
  }

  /** Frees what the payment held and takes the new amount, in every counter; returns what the payment then holds. */
  #replace(tenant: string, held: Payment | undefined, scopes: readonly string[], amount: bigint) {
    if (held) for (const counter of held.counters) this.#counters.free(counter, held.amount);
    return { amount, counters: scopes.map((scope) => this.#counters.take(tenant, scope, amount)) };
  }

  /** What no window can read any more goes, a little with each payment that ends, so that as much goes as comes. */
  #forgetOld(nowMs: number): void {
    const horizonMs = nowMs - ENDED_KEPT_MS;
    for (const { counters } of this.#payments.forgetEnded(horizonMs, FORGET_EACH))
      for (const counter of counters) this.#counters.forgetBefore(counter, horizonMs);
  }

  #checkRoom(tenant: string, scopes: readonly string[], amount: bigint): void {
    for (const scope of scopes) {
      const counter = this.#counters.find(tenant, scope);
      if (counter && counter.open.amount + counter.spent.amount + amount > COUNTER_MAX)
        throw full(scope);
    }
  }
}

function full(scope: string): Fault {
  return new Fault('not_countable', `the counter ${scope} is full`, { retryable: false });
}

/** The last millisecond that a window leaves out. */
function beforeWindow(window: Limit['window'], nowMs: number): number {
  switch (window.kind) {
    case 'rolling':
      return nowMs - window.seconds * 1000;
    case 'calendar':
      return calendarSpan(window.unit, window.timeZone, nowMs).fromMs - 1;
    case 'payment':
    case 'lifetime':
      return -1;
    default:
      return unreachable(window);
  }
}

function compareAttempts(one: Attempt, other: Attempt): number {
  return one.round - other.round || one.through - other.through;
}
