import { Fault, invariant } from '@countersign/kernel';
import type { LaneId, LogRecord, Subscription } from '@countersign/ports';
import type { SyncStore } from './sync-store.ts';

/** A turn is bounded, so that a replay leaves room for other work between two of them. */
const TURN_RECORDS = 128;
const BATCH_BYTES = 4_194_304;

/** The subscriptions of one store: woken by its commits, ended by its death. */
export class Subscriptions {
  readonly #store: SyncStore;
  readonly #feeds = new Set<Feed>();

  constructor(store: SyncStore) {
    this.#store = store;
    store.onCommit(() => {
      for (const feed of this.#feeds) feed.wake();
    });
    store.onDeath((fault) => {
      for (const feed of this.#feeds) feed.failLater(fault);
    });
  }

  open(
    from: ReadonlyMap<LaneId, number>,
    onRecords: (records: readonly LogRecord[]) => void,
    onFault: (error: unknown) => void,
  ): Subscription {
    for (const [lane, offset] of from) {
      const end = this.#store.endNow(lane);
      invariant(Number.isSafeInteger(offset) && offset >= 0, `not an offset: ${offset}`);
      if (offset > end)
        throw new Fault('log_shorter', `lane ${lane} ends at ${end}, before ${offset}`, {
          retryable: false,
        });
    }
    const feed = new Feed(this.#store, from, onRecords, (error) => {
      this.#feeds.delete(feed);
      onFault(error);
    });
    this.#feeds.add(feed);
    feed.wake();
    return {
      close: () => {
        feed.stop();
        this.#feeds.delete(feed);
        return Promise.resolve();
      },
    };
  }

  close(): void {
    for (const feed of this.#feeds) feed.stop();
    this.#feeds.clear();
  }
}

/** One subscription. Its batches are delivered from the event loop's own turns, never from within an append. */
class Feed {
  readonly #store: SyncStore;
  readonly #next: Map<LaneId, number>;
  readonly #lanes: readonly LaneId[];
  /** Which of the lanes is next. */
  #at = 0;
  readonly #onRecords: (records: readonly LogRecord[]) => void;
  readonly #onFault: (error: unknown) => void;
  #isScheduled = false;
  #isStopped = false;

  constructor(
    store: SyncStore,
    from: ReadonlyMap<LaneId, number>,
    onRecords: (records: readonly LogRecord[]) => void,
    onFault: (error: unknown) => void,
  ) {
    this.#store = store;
    this.#next = new Map(from);
    this.#lanes = [...from.keys()];
    this.#onRecords = onRecords;
    this.#onFault = onFault;
  }

  wake(): void {
    if (this.#isStopped || this.#isScheduled || !this.#isBehind()) return;
    this.#isScheduled = true;
    setImmediate(() => this.#turn());
  }

  stop(): void {
    this.#isStopped = true;
  }

  failLater(error: unknown): void {
    setImmediate(() => this.#fail(error));
  }

  #isBehind(): boolean {
    for (const [lane, offset] of this.#next) if (offset < this.#store.endNow(lane)) return true;
    return false;
  }

  /** One batch of every lane that has one, going on where the turn before had to end. */
  #turn(): void {
    this.#isScheduled = false;
    if (this.#isStopped) return;
    try {
      let left = TURN_RECORDS;
      for (let tried = 0; tried < this.#lanes.length && left > 0; tried += 1) {
        const lane = this.#lanes[this.#at] ?? '';
        this.#at = (this.#at + 1) % this.#lanes.length;
        const offset = this.#next.get(lane) ?? 0;
        if (offset >= this.#store.endNow(lane)) continue;
        const records = this.#store.readNow(lane, offset, left, BATCH_BYTES);
        left -= records.length;
        this.#next.set(lane, offset + records.length);
        this.#onRecords(records);
        if (this.#isStopped) return;
      }
      this.wake();
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#onFault(error);
  }
}
