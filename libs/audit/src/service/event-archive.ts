import { Fault } from '@countersign/kernel';
import type { Payment } from '@countersign/payment';
import type { Archived, Clock, EventStore, StatementKey } from '@countersign/ports';
import type { LaneHost, Log, Timers, TrustedKeys } from '@countersign/service-kit';
import { Recorder } from './recorder.ts';

/** After the first payment has ended, or so long after the start, it is opened at the next calm moment. */
const START_AFTER_MS = 10_000;
/** Between two looks whether the moment is calm. */
const LOOK_AGAIN_MS = 1_000;
/** So long a calm moment is waited for: where there is always a payment under way, there is none. */
const PATIENCE_MS = 60_000;
/** Between two tries to open the store: doubled with each that fails, up to the longest. */
const REOPEN_MS = 5_000;
const REOPEN_MAX_MS = 60_000;
/** Where a payment stands that waits for people, for its agent, or for nothing more. */
const WAITING: readonly Payment['phase']['status'][] = [
  'awaiting',
  'cleared',
  'mismatched',
  'ended',
];

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
  /** Nothing else runs in this process, so that nothing is held up: no calm moment is waited for. */
  readonly isAlone?: boolean;
}

/**
 * The event store of this process, opened late, and the recorder that fills it. Opening the engine in this process holds up
 * everything else in it for about half a second: a payment that comes in that moment waits for so long, and one that is
 * under way is let go first.
 */
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

  /** Opens the store when the first payment has ended, or a little later, but at a calm moment. */
  work(): void {
    const { host, openStore } = this.#parts;
    if (!openStore) return;
    this.#stopListening = host.onTouched((payments) => {
      if (!payments.some(({ phase }) => phase.status === 'ended')) return;
      this.#stopListening?.();
      this.#openSoon(0);
    });
    this.#openSoon(START_AFTER_MS);
  }

  /**
   * Opened at once, if it is not yet: who asks for it waits for it.
   *
   * @throws Fault `event_store_unavailable`.
   */
  async store(): Promise<EventStore> {
    return (await this.#open()).store;
  }

  /** The store with all that is folded now. */
  async upToDate(): Promise<{ readonly store: EventStore; readonly archived: Archived }> {
    const { store, recorder } = await this.#open();
    return { store, archived: await recorder.flush() };
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
    const { clock, timers } = this.#parts;
    this.#cancelTimer = timers.after(afterMs, () => {
      this.#stopListening?.();
      this.#openWhenCalm(clock.monotonicMs() + PATIENCE_MS);
    });
  }

  #openWhenCalm(untilMs: number): void {
    const { host, clock, timers, isAlone = false } = this.#parts;
    if (this.#opening || isAlone || isCalm(host) || clock.monotonicMs() >= untilMs)
      this.#open().catch((error: unknown) => this.#told(error));
    else this.#cancelTimer = timers.after(LOOK_AGAIN_MS, () => this.#openWhenCalm(untilMs));
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

/** No payment is under way in this process. */
function isCalm({ lanes }: LaneHost): boolean {
  for (const { agents } of lanes)
    for (const { payments } of agents.values())
      for (const { phase } of payments.values()) if (!WAITING.includes(phase.status)) return false;
  return true;
}
