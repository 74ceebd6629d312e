import { Fault } from '@countersign/kernel';
import { type Booked, type Payment, bookedOf, tenantOf } from '@countersign/payment';
import type { Book, Budgets, Clock, StatementKey } from '@countersign/ports';
import { type LaneHost, type Log, type Timers, signStatement } from '@countersign/service-kit';
import { heldOf, missingFrom } from '../domain/books.ts';

/** How often what the store holds is compared with the log. */
const COMPARE_EACH_MS = 60_000;
/**
 * How long whoever opened an epoch has to fill it before somebody else opens the next, doubled with each epoch of the
 * last while: two processes that reach different servers (a split brain) would otherwise take turns at opening epochs.
 */
const PATIENCE_MIN_MS = 2_000;
const PATIENCE_MAX_MS = 120_000;
const LAST_WHILE_MS = 1_800_000;

export interface BookkeepingParts {
  readonly host: LaneHost;
  readonly budgets: Budgets;
  readonly key: StatementKey;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
}

/** What this process knows of a tenant's book. */
interface Watch {
  readonly epoch: number;
  /** When this epoch was first seen here, monotonic. */
  readonly seenAtMs: number;
  /** Epochs of the last while, this one included, by when they were first seen. */
  readonly recent: readonly number[];
  /** The store has answered for this epoch. */
  isAnswered: boolean;
}

/**
 * Keeps the budget store true to the log. Where the store lost what was written, a record of `control` opens a new
 * epoch, and whoever wrote that record fills it from the fold, once every lane has passed its mark: from there on only
 * decisions of that epoch apply, whichever store still answers for an older one.
 */
export class Bookkeeping {
  /** The budgets, with an ear for what they lost. */
  readonly budgets: Budgets;
  readonly #parts: BookkeepingParts;
  readonly #watches = new Map<string, Watch>();
  /** Tenants for whom an epoch is being opened here, or somebody else's is being waited for. */
  readonly #busy = new Set<string>();
  #cancelTimer: (() => void) | undefined;
  #stopWatching: (() => void) | undefined;

  constructor(parts: BookkeepingParts) {
    this.#parts = parts;
    this.budgets = listening(parts.budgets, {
      onAnswer: (book) => this.#answered(book),
      onLost: (book) => void this.#lost(book),
    });
  }

  start(): void {
    this.#stopWatching = this.#parts.host.onControl(() => {
      for (const [tenant] of this.#parts.host.control.tenants) this.#watch(tenant);
    });
    this.#compareAll();
  }

  stop(): void {
    this.#stopWatching?.();
    this.#stopWatching = undefined;
    this.#cancelTimer?.();
  }

  get #isAtWork(): boolean {
    return this.#stopWatching !== undefined;
  }

  #watch(tenant: string): Watch {
    const { epoch } = tenantOf(this.#parts.host.control, tenant);
    const nowMs = this.#parts.clock.monotonicMs();
    const known = this.#watches.get(tenant);
    if (known?.epoch === epoch) return known;
    const earlier = (known?.recent ?? []).filter((atMs) => atMs > nowMs - LAST_WHILE_MS);
    const watch = { epoch, seenAtMs: nowMs, recent: [...earlier, nowMs], isAnswered: false };
    this.#watches.set(tenant, watch);
    return watch;
  }

  #answered({ tenant, epoch }: Book): void {
    const watch = this.#watch(tenant);
    if (watch.epoch === epoch) watch.isAnswered = true;
  }

  /** The store does not hold what was written under the newest epoch that the caller's lane has seen. */
  async #lost(book: Book): Promise<void> {
    const { tenant, epoch } = book;
    // Where a newer epoch is known already, the lane has yet to pass its mark.
    if (!this.#isAtWork || this.#busy.has(tenant) || this.#watch(tenant).epoch !== epoch) return;
    this.#busy.add(tenant);
    try {
      const leftMs = this.#patienceLeftMs(this.#watch(tenant));
      if (leftMs > 0) await this.#after(leftMs);
      const now = this.#watch(tenant);
      const isFilled = leftMs > 0 && now.isAnswered;
      if (now.epoch === epoch && !isFilled && this.#isAtWork) await this.#renew(book);
    } catch (error) {
      this.#note(tenant, error, 'no new book was opened');
    } finally {
      this.#busy.delete(tenant);
    }
  }

  /** Nobody waits for the first epoch, or for one that was answered for before it was lost. */
  #patienceLeftMs({ epoch, seenAtMs, recent, isAnswered }: Watch): number {
    if (epoch === 0 || isAnswered) return 0;
    const patienceMs = Math.min(
      PATIENCE_MAX_MS,
      PATIENCE_MIN_MS * 2 ** Math.min(recent.length, 10),
    );
    return seenAtMs + patienceMs - this.#parts.clock.monotonicMs();
  }

  /** Opens the next epoch, and fills it if the record that opened it is ours. */
  async #renew(old: Book): Promise<void> {
    const { host, budgets, key, log } = this.#parts;
    const { tenant } = old;
    // What ends from now on may leave memory before it is asked for.
    const ended = new Map<string, Booked>();
    const stop = host.onTouched((payments) => noteEnds(payments, tenant, ended));
    try {
      const cause = `${tenant}/epoch/${old.epoch}`;
      const why = `the store lost the counters of epoch ${old.epoch}`;
      const data = await signStatement(key, 'budget.epoch', { tenant, why }, cause);
      const back = await host.appendControl('budget.epoch', data, { cause });
      if (!back.applied) return;
      const book = { tenant, epoch: back.position.offset };
      log.warn({ ...book }, why);
      await host.marked(book.epoch);
      const atMs = Math.max(...host.lanes.map((lane) => lane.atMs));
      const known = new Map<string, Booked>(ended);
      for (const booked of host.booked(tenant)) known.set(booked.paymentId, booked);
      const payments = [...known.values()];
      const outcome = await budgets.rebuild(book, { atMs, payments });
      log.info({ ...book, payments: payments.length, outcome }, 'the counters were made anew');
    } finally {
      stop();
    }
  }

  #compareAll(): void {
    const { host, timers } = this.#parts;
    for (const [tenant] of host.control.tenants)
      void this.#compare(tenant).catch((error: unknown) =>
        this.#note(tenant, error, 'the budgets were not compared with the log'),
      );
    this.#cancelTimer = timers.after(COMPARE_EACH_MS, () => this.#compareAll());
  }

  async #compare(tenant: string): Promise<void> {
    const { host, log } = this.#parts;
    const { epoch } = this.#watch(tenant);
    const book = { tenant, epoch };
    if (host.lanes.some((lane) => tenantOf(lane.view, tenant).epoch !== epoch)) return;
    const before = heldOf(host.booked(tenant));
    const open = await this.budgets.open(book);
    await Promise.all(host.lanes.map(({ lane }) => host.caughtUp(String(lane))));
    const missing = missingFrom(open, before, heldOf(host.booked(tenant)));
    if (missing.length > 0) {
      log.error({ ...book, missing: missing.length }, 'the store lacks what is open in the log');
      await this.#lost(book);
      return;
    }
    await this.#endAgain(book, open);
  }

  /** What the log says is over may still be open in a store that forgot it was told: it is told again. */
  async #endAgain(book: Book, open: readonly { readonly paymentId: string }[]): Promise<void> {
    for (const { paymentId } of open) {
      const payment = this.#parts.host.payment(paymentId);
      if (payment?.phase.status !== 'ended' || !payment.reservationEnded) continue;
      const booked = bookedOf(payment);
      if (booked?.state === 'committed')
        await this.budgets.commit(book, paymentId, booked.spentAtMs);
      else await this.budgets.release(book, paymentId);
    }
  }

  #note(tenant: string, error: unknown, what: string): void {
    const { log } = this.#parts;
    if (error instanceof Fault) log.warn({ tenant, code: error.code }, `${what}: ${error.message}`);
    else log.error({ tenant, err: error }, `a bug: ${what}`);
  }

  #after(delayMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#parts.timers.after(delayMs, resolve);
    return promise;
  }
}

function noteEnds(payments: readonly Payment[], tenant: string, ended: Map<string, Booked>): void {
  for (const payment of payments) {
    if (payment.tenant !== tenant || payment.phase.status !== 'ended') continue;
    const booked = bookedOf(payment);
    if (booked) ended.set(payment.id, booked);
  }
}

/** The same budgets; somebody is told of every answer, and of every call that found the counters lost. */
function listening(
  budgets: Budgets,
  ear: { onAnswer: (book: Book) => void; onLost: (book: Book) => void },
): Budgets {
  const heard = async <T>(book: Book, call: Promise<T>): Promise<T> => {
    try {
      const answer = await call;
      ear.onAnswer(book);
      return answer;
    } catch (error) {
      if (error instanceof Fault && error.code === 'budgets_lost') ear.onLost(book);
      throw error;
    }
  };
  return {
    reserve: (request) => heard(request, budgets.reserve(request)),
    commit: (book, paymentId, spentAtMs) => heard(book, budgets.commit(book, paymentId, spentAtMs)),
    release: (book, paymentId) => heard(book, budgets.release(book, paymentId)),
    read: (book, limits) => heard(book, budgets.read(book, limits)),
    open: (book) => heard(book, budgets.open(book)),
    rebuild: (book, bookings) => budgets.rebuild(book, bookings),
    close: () => budgets.close(),
  };
}
