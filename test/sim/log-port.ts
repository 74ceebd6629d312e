import type {
  AppendInput,
  EventLog,
  LaneId,
  LogRecord,
  Position,
  Subscription,
} from '@countersign/ports';
import type { SyncStore } from '@countersign/adapter-sqlite';
import type { Dice } from './dice.ts';
import type { Party, Scheduler } from './scheduler.ts';
import type { Weather } from './weather.ts';
import type { Wire } from './wire.ts';

export interface LogPortParts {
  readonly store: SyncStore;
  /** Reads what the store holds; from memory, as the store is asked by nobody else. */
  readonly read: (lane: LaneId, offset: number, max: number) => readonly LogRecord[];
  /** Calls a listener after each commit, until it is taken back. */
  readonly onCommit: (listener: () => void) => () => void;
  readonly wire: Wire;
  readonly scheduler: Scheduler;
  readonly weather: Weather;
  readonly dice: Dice;
  readonly party: Party;
  /** Told of each record as it is sent. */
  readonly onAppend: (input: AppendInput) => void;
  /** What this replica is given in place of a record: for planted faults. */
  readonly distort?: (record: LogRecord) => LogRecord;
}

const UNAVAILABLE = 'log_unavailable';

/** One replica's access to the one log: the promises of the port are kept, and nothing beyond them. */
export function logPort(parts: LogPortParts): EventLog {
  const { store, read, wire, weather, dice, onAppend, distort = (it) => it } = parts;
  return {
    capabilities: { durable: true },
    logId: store.logId,
    laneCount: store.laneCount,
    append: (records) => {
      const taken = [...records];
      for (const input of taken) onAppend(input);
      return wire.call({
        name: `append ${taken.map((it) => it.lane).join(' ')}`,
        effect: () => append(store, taken, weather, dice),
        code: UNAVAILABLE,
      });
    },
    read: (lane, offset, max) =>
      wire.call({
        name: `read ${lane}:${offset}`,
        effect: () => read(lane, offset, max).map(distort),
        code: UNAVAILABLE,
        reads: true,
      }),
    end: (lane) =>
      wire.call({
        name: `end ${lane}`,
        effect: () => store.endNow(lane),
        code: UNAVAILABLE,
        reads: true,
      }),
    ends: (lanes) =>
      wire.call({
        name: `ends ${lanes.join(' ')}`,
        effect: () => lanes.map((lane) => store.endNow(lane)),
        code: UNAVAILABLE,
        reads: true,
      }),
    subscribe: (from, onRecords, onFault) => new Feed(parts, from, onRecords, onFault),
    close: () => Promise.resolve(),
  };
}

/** A producer that is unsure sends again; either copy's position may be acknowledged. */
function append(
  store: SyncStore,
  records: readonly AppendInput[],
  weather: Weather,
  dice: Dice,
): readonly Position[] {
  const first = store.appendNow(records);
  if (!weather.strikes('appendTwice')) return first;
  const second = store.appendNow(records);
  return dice.chance(0.5) ? first : second;
}

const BATCH_MAX = 24;

/** Each lane travels on its own: in order within, in any order between, and some of it twice. */
class Feed implements Subscription {
  readonly #parts: LogPortParts;
  readonly #next: Map<LaneId, number>;
  readonly #from: ReadonlyMap<LaneId, number>;
  readonly #onRecords: (records: readonly LogRecord[]) => void;
  readonly #onFault: (error: unknown) => void;
  readonly #underWay = new Set<LaneId>();
  readonly #stop: () => void;
  #isOpen = true;

  constructor(
    parts: LogPortParts,
    from: ReadonlyMap<LaneId, number>,
    onRecords: (records: readonly LogRecord[]) => void,
    onFault: (error: unknown) => void,
  ) {
    this.#parts = parts;
    this.#from = new Map(from);
    this.#next = new Map(from);
    this.#onRecords = onRecords;
    this.#onFault = onFault;
    this.#stop = parts.onCommit(() => this.#wake());
    this.#wake();
  }

  close(): Promise<void> {
    this.#isOpen = false;
    this.#stop();
    return Promise.resolve();
  }

  #wake(): void {
    const { scheduler, store, weather, party } = this.#parts;
    if (!party.isAlive) this.#stop();
    if (!this.#isOpen || !party.isAlive) return;
    for (const [lane, offset] of this.#next) {
      if (this.#underWay.has(lane) || store.endNow(lane) <= offset) continue;
      this.#underWay.add(lane);
      scheduler.after(weather.delayMs(), `delivery ${lane}`, () => this.#deliver(lane), party);
    }
  }

  #deliver(lane: LaneId): void {
    const { read, scheduler, weather, dice, party, distort = (it) => it } = this.#parts;
    const cutOffMs = party.cutOffUntilMs - scheduler.nowMs;
    if (cutOffMs > 0) {
      // It may be over sooner.
      const afterMs = Math.min(cutOffMs, 1_000);
      scheduler.after(afterMs, `delivery ${lane}`, () => this.#deliver(lane), party);
      return;
    }
    this.#underWay.delete(lane);
    if (!this.#isOpen) return;
    let offset = this.#next.get(lane) ?? 0;
    if (weather.strikes('redelivery'))
      offset = Math.max(this.#from.get(lane) ?? 0, offset - dice.between(1, 8));
    const records = read(lane, offset, BATCH_MAX);
    this.#next.set(lane, offset + records.length);
    try {
      this.#onRecords(records.map(distort));
    } catch (error) {
      this.#isOpen = false;
      this.#onFault(error);
    }
    this.#wake();
  }
}
