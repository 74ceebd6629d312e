import { type SyncStore, isRefusal } from './sync-store.ts';

interface Job {
  /** Whether the caller may act on the answer outside this file, so that it must be on the disk first. */
  readonly synced: boolean;
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

  /**
   * @param options.synced false for work of which only a later synced call tells anybody: the file is written in one
   *   order, and so that call's fsync takes this work along.
   */
  run<T>(work: () => T, { synced = true } = {}): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    let settle: () => void;
    this.#queue.push({
      synced,
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
      this.#store.transact(
        () => {
          for (const job of jobs) job.perform();
        },
        { synced: jobs.some((job) => job.synced) },
      );
    } catch (error) {
      for (const job of jobs) job.fail(error);
      return;
    }
    for (const job of jobs) job.settle();
  }
}
