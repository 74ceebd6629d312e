import { type SyncStore, openSyncStore } from '@countersign/adapter-sqlite';
import { Fault } from '@countersign/kernel';
import { tenantOf } from '@countersign/payment';
import type { Book, Budgets, Clock } from '@countersign/ports';
import type { Checker } from './checker.ts';
import type { Dice } from './dice.ts';
import type { History } from './history.ts';
import type { Plant } from './plants.ts';
import type { Party, Scheduler } from './scheduler.ts';
import type { Wire } from './wire.ts';

/** A server of budgets. One that was just promoted, restored or emptied answers for no book before it was rebuilt. */
interface Master {
  readonly store: SyncStore;
  /** By tenant: the epoch of its book. */
  readonly opened: Map<string, number>;
}

export interface BudgetStoresParts {
  readonly scheduler: Scheduler;
  readonly dice: Dice;
  readonly checker: Checker;
  readonly clock: Clock;
  readonly reserve: NonNullable<Plant['reserve']>;
}

/** A tenant's counters of the newest epoch that control knows. */
export function newestBook({ views }: History, tenant: string): Book {
  const view = views.at(-1);
  return { tenant, epoch: view ? tenantOf(view, tenant).epoch : 0 };
}

const UNAVAILABLE = 'budgets_unavailable';
const NOTICED_WITHIN_MS = 40_000;

/**
 * Budget servers as they are lost: whatever happened, the next one has nothing that was written, and whoever has not
 * noticed goes on with the old one, which has all of it.
 */
export class BudgetStores {
  readonly #parts: BudgetStoresParts;
  readonly #masters: Master[] = [];
  /** Which master each party works with. */
  readonly #master = new Map<Party, Master>();

  constructor(parts: BudgetStoresParts) {
    this.#parts = parts;
    this.#promote();
  }

  /** The server that is right now. */
  get store(): SyncStore {
    return this.#newest().store;
  }

  /** Whether the server that is right now has the tenant's newest book. */
  isOpen({ tenant, epoch }: Book): boolean {
    return this.#newest().opened.get(tenant) === epoch;
  }

  /** All that was written is lost. Some notice at once, others work with what survived for a while. */
  lose(): void {
    const { scheduler, dice } = this.#parts;
    const master = this.#promote();
    for (const party of this.#master.keys())
      scheduler.after(
        dice.chance(0.5) ? 0 : dice.between(0, NOTICED_WITHIN_MS),
        'the new budget server is noticed',
        () => this.#notice(party, master),
      );
  }

  /** Everybody works with the server that is right now. */
  calmDown(): void {
    for (const party of this.#master.keys()) this.#master.set(party, this.#newest());
  }

  port(party: Party, wire: Wire): Budgets {
    const { checker, reserve } = this.#parts;
    this.#master.set(party, this.#newest());
    const call = <T>(name: string, book: Book, effect: (store: SyncStore) => T): Promise<T> =>
      wire.call({ name, code: UNAVAILABLE, effect: () => effect(this.#answering(party, book)) });
    return {
      reserve: (request) =>
        call(`reserve ${request.paymentId}`, request, (store) => {
          const result = reserve(store, request);
          checker.onReserve(request, result);
          return result;
        }),
      commit: (book, paymentId, spentAtMs) =>
        call(`commit ${paymentId}`, book, (store) => {
          store.commitNow(book, paymentId, spentAtMs);
          checker.onCommit(book.tenant, paymentId);
        }),
      release: (book, paymentId) =>
        call(`release ${paymentId}`, book, (store) => {
          store.releaseNow(book, paymentId);
          checker.onRelease(book.tenant, paymentId);
        }),
      read: (book, limits) => call('readings', book, (store) => store.readingsNow(book, limits)),
      open: (book) => call('open', book, (store) => store.openNow(book)),
      rebuild: (book, bookings) =>
        wire.call({
          name: `rebuild ${book.tenant}`,
          code: UNAVAILABLE,
          effect: () => {
            const { store, opened } = this.#of(party);
            const outcome = store.rebuildNow(book, bookings);
            if (outcome === 'opened') {
              opened.set(book.tenant, book.epoch);
              checker.onRebuild(book);
            }
            return outcome;
          },
        }),
      close: () => Promise.resolve(),
    };
  }

  #answering(party: Party, { tenant }: Book): SyncStore {
    const { store, opened } = this.#of(party);
    if (!opened.has(tenant))
      throw new Fault('budgets_lost', `${tenant}: there is no fence`, { retryable: true });
    return store;
  }

  #notice(party: Party, master: Master): void {
    if (this.#master.has(party) && this.#masters.at(-1) === master) this.#master.set(party, master);
  }

  #of(party: Party): Master {
    return this.#master.get(party) ?? this.#newest();
  }

  #newest(): Master {
    return this.#masters.at(-1) ?? this.#promote();
  }

  #promote(): Master {
    const { clock } = this.#parts;
    const store = openSyncStore({ path: ':memory:', laneCount: 1, logId: 'budgets', clock });
    const master = { store, opened: new Map<string, number>() };
    this.#masters.push(master);
    return master;
  }
}
