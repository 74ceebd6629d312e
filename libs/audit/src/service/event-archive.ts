import { Fault } from '@countersign/kernel';
import type { Archived, Clock, EventStore, StatementKey } from '@countersign/ports';
import type { LaneHost, Log, Timers, TrustedKeys } from '@countersign/service-kit';
import { Recorder } from './recorder.ts';

/** After the first payment has ended, or so long after the start: nothing waits for the event store, ever. */
const START_AFTER_MS = 10_000;
/** Between two tries to open the store: doubled with each that fails, up to the longest. */
const REOPEN_MS = 5_000;
const REOPEN_MAX_MS = 60_000;

export interface ArchiveParts {
  readonly host: LaneHost;
  readonly key: StatementKey;
  readonly trusted: TrustedKeys;
  /** Opens the store; absent where there is none. Loads nothing before it is called. */
  readonly openStore: (() => Promise<EventStore>) | undefined;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
  readonly everyMs: number;
}

/** The event store of this process, opened late, and the recorder that fills it. */
export class EventArchive {
  readonly #parts: ArchiveParts;
  #opening: Promise<{ store: EventStore; recorder: Recorder }> | undefined;
  #cancelTimer: (() => void) | undefined;
  #stopListening: (() => void) | undefined;
  #recorder: Recorder | undefined;
  #reopenMs = REOPEN_MS;
  #isClosed = false;

  constructor(parts: ArchiveParts) {
    this.#parts = parts;
  }

  /** Opens the store when the first payment has ended, or a little later. */
  work(): void {
    const { host, timers, openStore } = this.#parts;
    if (!openStore) return;
    this.#stopListening = host.onTouched((payments) => {
      if (payments.some(({ phase }) => phase.status === 'ended')) this.#openSoon(0);
    });
    this.#cancelTimer = timers.after(START_AFTER_MS, () => this.#openSoon(0));
  }

  /** @throws Fault `event_store_unavailable`. */
  async store(): Promise<EventStore> {
    return (await this.#open()).store;
  }

  /** The store with all that is folded now. */
  async upToDate(): Promise<{ readonly store: EventStore; readonly archived: Archived }> {
    const { store, recorder } = await this.#open();
    await recorder.flush();
    return { store, archived: await store.archived() };
  }

  /** How many folded records are not in the store yet; undefined while it is not open. */
  get waiting(): number | undefined {
    return this.#recorder?.waiting;
  }

  /** Whether what is folded goes into the store: it is open, and took what it was last given. */
  get isRecording(): boolean {
    return this.#recorder?.isRecording ?? false;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelTimer?.();
    this.#stopListening?.();
    const open = await this.#opening?.catch(() => undefined);
    await open?.recorder.stop();
    await open?.store.close();
  }

  #openSoon(afterMs: number): void {
    this.#cancelTimer?.();
    this.#stopListening?.();
    this.#cancelTimer = this.#parts.timers.after(afterMs, () => {
      this.#open().catch((error: unknown) => this.#told(error));
    });
  }

  #told(error: unknown): void {
    if (this.#isClosed) return;
    const { log } = this.#parts;
    if (error instanceof Fault && !error.retryable) {
      log.warn({ code: error.code }, `no event store, search or reports: ${error.message}`);
      return;
    }
    log.warn({ err: error }, 'the event store cannot be opened; it is tried again');
    this.#openSoon(this.#reopenMs);
    this.#reopenMs = Math.min(this.#reopenMs * 2, REOPEN_MAX_MS);
  }

  #open() {
    this.#opening ??= this.#start().catch((error: unknown) => {
      // What may pass is tried again; what will not stays as it was found.
      if (!(error instanceof Fault) || error.retryable) this.#opening = undefined;
      throw error;
    });
    return this.#opening;
  }

  async #start() {
    const { openStore, ...parts } = this.#parts;
    if (!openStore || this.#isClosed)
      throw new Fault('event_store_unavailable', 'there is no event store here', {
        retryable: false,
      });
    const store = await openStore();
    try {
      const recorder = new Recorder({ ...parts, store });
      await recorder.start();
      this.#recorder = recorder;
      return { store, recorder };
    } catch (error) {
      // One that stayed open would keep the next try from its folder.
      await store.close();
      throw error;
    }
  }
}
