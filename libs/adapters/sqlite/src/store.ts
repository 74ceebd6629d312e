import type { Budgets, EventLog, Position } from '@countersign/ports';
import { GroupCommit } from './group-commit.ts';
import { Subscriptions } from './subscriptions.ts';
import { type StoreOptions, type SyncStore, openSyncStore, unavailable } from './sync-store.ts';

/** The event log and the budgets in one file, so that neither survives without what the other knew before. */
export interface Store {
  readonly log: EventLog;
  readonly budgets: Budgets;
  /** The same store as synchronous calls, each a transaction of its own. */
  readonly sync: SyncStore;
  /** Resolves with the fault when the store has met a fatal error: the process should then end. */
  readonly death: Promise<Error>;
  /**
   * Erases what lies beside a record's hashed bytes, also from the write-ahead log. Idempotent.
   *
   * @throws InvariantViolation when there is no such record.
   */
  eraseOpenings(position: Position): Promise<void>;
  /** Commits what is queued, ends all subscriptions and gives up the file. Idempotent. */
  close(): Promise<void>;
}

/**
 * What the counters answer is acted upon by a record in this same file, whose fsync comes after. A power cut before it
 * takes back both, and the payment is asked for anew.
 */
const COUNTED = { synced: false };

/**
 * Opens the store, or creates it. One process at a time: a second one gets Fault `store_locked`.
 *
 * @throws Fault `store_locked`, `store_foreign`, `lane_count_changed`, `log_changed` or `log_unavailable`.
 */
export function openStore(options: StoreOptions): Store {
  return storeOver(openSyncStore(options));
}

/** The ports over a store that is open already. */
export function storeOver(sync: SyncStore): Store {
  const group = new GroupCommit(sync);
  const subscriptions = new Subscriptions(sync);
  const death = new Promise<Error>((resolve) => sync.onDeath(resolve));

  const openFaces = new Set(['log', 'budgets']);
  const closeFace = (face: string) => {
    group.flush();
    if (face === 'log') subscriptions.close();
    openFaces.delete(face);
    if (openFaces.size === 0) sync.close();
    return Promise.resolve();
  };
  /** Runs a call of one face unless that face was closed; the other may still be at work. */
  const whileOpen = async <T>(face: string, call: () => T | Promise<T>): Promise<T> => {
    if (!openFaces.has(face)) throw unavailable(`the ${face} is closed`);
    return call();
  };

  const log: EventLog = {
    capabilities: { durable: sync.durable },
    logId: sync.logId,
    laneCount: sync.laneCount,
    append: (records) => {
      const taken = [...records];
      return whileOpen('log', () => group.run(() => sync.appendNow(taken)));
    },
    read: (lane, offset, max) => whileOpen('log', () => sync.readNow(lane, offset, max)),
    end: (lane) => whileOpen('log', () => sync.endNow(lane)),
    ends: (lanes) => whileOpen('log', () => lanes.map((lane) => sync.endNow(lane))),
    subscribe: (from, onRecords, onFault) => {
      if (!openFaces.has('log')) throw unavailable('the log is closed');
      return subscriptions.open(from, onRecords, onFault);
    },
    close: () => closeFace('log'),
  };
  const budgets: Budgets = {
    reserve: (request) =>
      whileOpen('budgets', () => group.run(() => sync.reserveNow(request), COUNTED)),
    commit: (book, paymentId, spentAtMs) =>
      whileOpen('budgets', () =>
        group.run(() => sync.commitNow(book, paymentId, spentAtMs), COUNTED),
      ),
    release: (book, paymentId) =>
      whileOpen('budgets', () => group.run(() => sync.releaseNow(book, paymentId), COUNTED)),
    read: (book, limits) => whileOpen('budgets', () => sync.readingsNow(book, limits)),
    open: (book) => whileOpen('budgets', () => sync.openNow(book)),
    rebuild: (book, bookings) =>
      whileOpen('budgets', () => group.run(() => sync.rebuildNow(book, bookings))),
    close: () => closeFace('budgets'),
  };
  return {
    log,
    budgets,
    sync,
    death,
    eraseOpenings: (position) =>
      whileOpen('log', () => {
        group.flush();
        sync.eraseOpeningsNow(position);
      }),
    close: async () => {
      await log.close();
      await budgets.close();
    },
  };
}
