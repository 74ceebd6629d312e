import { type SyncStore, isRefusal } from './sync-store.ts';

interface Job {
  /** Runs within the shared transaction; keeps its outcome to itself. */
  perform(): void;
  /** Tells the caller, after the commit. */
  settle(): void;
  fail(error: unknown): void;
}

/**
 * Calls queued within one turn of the event loop share one transaction and one fsync, in the order of the calls. Each
 * promise settles after the commit, so that a crash never shows a call without those queued before it. A refusal is its
 * own call's alone; a fatal error fails them all, and whether they took place is then unknown.
 */
export class GroupCommit {
  readonly #store: SyncStore;
  #queue: Job[] = [];

  constructor(store: SyncStore) {
    this.#store = store;
  }

  run<T>(work: () => T): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    let settle: () => void;
    this.#queue.push({
      perform: () => {
        try {
          const value = work();
          settle = () => resolve(value);
        } catch (error) {
          if (!isRefusal(error)) throw error;
          settle = () => reject(error);
        }
      },
      settle: () => settle(),
      fail: reject,
    });
    if (this.#queue.length === 1) setImmediate(() => this.flush());
    return promise;
  }

  /** Commits what is queued. */
  flush(): void {
    const jobs = this.#queue;
    if (jobs.length === 0) return;
    this.#queue = [];
    try {
      this.#store.transact(() => {
        for (const job of jobs) job.perform();
      });
    } catch (error) {
      for (const job of jobs) job.fail(error);
      return;
    }
    for (const job of jobs) job.settle();
  }
}
