import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { Fault, InvariantViolation } from '@countersign/kernel';
import type { LaneId, LogRecord, Subscription } from '@countersign/ports';
import type { KafkaConnection } from './connection.ts';
import { toRecord } from './messages.ts';
import type { Place, Places } from './places.ts';
import { type Fetched, Wire } from './wire.ts';

/** A batch is bounded, so that a replay leaves room for other work between two of them. */
const BATCH_RECORDS = 512;
const RETRY_MIN_MS = 50;
const RETRY_MAX_MS = 2_000;
/** So many looks in a row must find the log shorter than what was read: a leader that just took over may lag. */
const SHORTER_LOOKS = 5;

interface Cursor extends Place {
  readonly lane: LaneId;
  next: number;
  /** The record before `next`, if this subscription delivered one. */
  last: LogRecord | undefined;
  /** `last` is fetched again and compared before anything else is delivered. */
  confirm: boolean;
}

export interface Follow {
  readonly from: ReadonlyMap<LaneId, number>;
  readonly onRecords: (records: readonly LogRecord[]) => void;
  readonly onFault: (error: unknown) => void;
  /** So long after an answer that brought records the next is asked for, and brings more of them at once. */
  readonly gatherMs: number;
}

/**
 * One subscription: reads every lane from whoever leads its partition. A broker that does not answer is asked again
 * for ever; a log that is not the one it was reading (a gap, an end before its place, a changed record) ends it.
 */
export class Follower implements Subscription {
  readonly #wire: Wire;
  readonly #cursors: readonly Cursor[];
  readonly #byPlace: ReadonlyMap<string, Cursor>;
  readonly #follow: Follow;
  readonly #onTrouble: (message: string) => void;
  readonly #abort = new AbortController();
  readonly #done: Promise<void>;
  #failures = 0;
  #shorterLooks = 0;

  constructor(connection: KafkaConnection, places: Places, follow: Follow) {
    this.#cursors = [...follow.from].map(([lane, next]) => {
      if (!Number.isSafeInteger(next) || next < 0)
        throw new InvariantViolation(`not an offset: ${next}`);
      return { ...places.of(lane), lane, next, last: undefined, confirm: false };
    });
    this.#byPlace = new Map(this.#cursors.map((cursor) => [keyOf(cursor), cursor]));
    this.#wire = new Wire(connection, [...new Set(this.#cursors.map(({ topic }) => topic))]);
    this.#follow = follow;
    this.#onTrouble = (message) => connection.onTrouble?.(message);
    this.#done = this.#run();
  }

  /** Delivers nothing from now on. */
  close(): Promise<void> {
    this.#abort.abort();
    return this.#wire.reset();
  }

  /** Resolves when nothing of it is left. */
  async closed(): Promise<void> {
    await this.close();
    await this.#done;
  }

  async #run(): Promise<void> {
    // No call of the handler from within subscribe.
    await nextTurn();
    while (!this.#stopped) {
      try {
        await this.#round();
      } catch (error) {
        await this.#recover(error);
      }
    }
    await this.#wire.reset();
  }

  get #stopped(): boolean {
    return this.#abort.signal.aborted;
  }

  async #recover(error: unknown): Promise<void> {
    if (this.#stopped) return;
    if (error instanceof Ended) {
      this.#abort.abort();
      this.#follow.onFault(error.cause);
      return;
    }
    this.#onTrouble(`reading goes on after: ${String(error)}`);
    this.#failures += 1;
    const waitMs = Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** Math.min(this.#failures, 10));
    await this.#wire.reset();
    await this.#pause(waitMs);
  }

  async #pause(ms: number): Promise<void> {
    if (ms > 0) await sleep(ms, undefined, { signal: this.#abort.signal }).catch(() => undefined);
  }

  /** From finding the leaders until one of them does not answer as leader. */
  async #round(): Promise<void> {
    const leaders = await this.#wire.byLeader(this.#cursors);
    await this.#checkBounds();
    const round = { isOver: false };
    const outcomes = await Promise.allSettled(
      [...leaders].map(async ([leader, places]) => {
        const cursors = places.flatMap((place) => this.#byPlace.get(keyOf(place)) ?? []);
        try {
          await this.#read(leader, cursors, round);
        } finally {
          round.isOver = true;
        }
      }),
    );
    const failed = outcomes.filter((it) => it.status === 'rejected');
    const [first] = [...failed.filter((it) => it.reason instanceof Ended), ...failed];
    if (first) throw first.reason;
  }

  async #checkBounds(): Promise<void> {
    const bounds = await this.#wire.bounds(this.#cursors);
    for (const [index, cursor] of this.#cursors.entries()) {
      const { start, end } = bounds[index] ?? { start: 0, end: 0 };
      if (cursor.next < start)
        throw ended(
          'log_truncated',
          `lane ${cursor.lane} begins at ${start}, after ${cursor.next}`,
        );
      if (cursor.next > end) this.#lookAgain(cursor, end);
      cursor.confirm = cursor.last !== undefined && cursor.last.offset >= start;
    }
    this.#shorterLooks = 0;
  }

  #lookAgain({ lane, next, last }: Cursor, end: number): never {
    this.#shorterLooks += 1;
    const message = `lane ${lane} ends at ${end}, before ${next}`;
    if (last === undefined || this.#shorterLooks >= SHORTER_LOOKS)
      throw ended('log_shorter', message);
    throw new Error(message);
  }

  async #read(leader: string, cursors: readonly Cursor[], round: { isOver: boolean }) {
    const { gatherMs } = this.#follow;
    while (!this.#stopped && !round.isOver) {
      const wanted = cursors.map(({ topic, partition, next, confirm }) => ({
        topic,
        partition,
        offset: confirm ? next - 1 : next,
      }));
      const answers = await this.#wire.fetch(leader, wanted);
      for (const fetched of answers) await this.#take(fetched);
      this.#failures = 0;
      if (answers.some(({ messages }) => messages.length > 0)) await this.#pause(gatherMs);
    }
  }

  async #take(fetched: Fetched): Promise<void> {
    const cursor = this.#byPlace.get(keyOf(fetched));
    if (!cursor || fetched.messages.length === 0) return;
    const from = cursor.confirm ? cursor.next - 1 : cursor.next;
    const records = fetched.messages
      .map((message) => toRecord(cursor.lane, message))
      .filter(({ offset }) => offset >= from);
    for (const [index, { offset }] of records.entries())
      if (offset !== from + index)
        throw ended(
          'log_gap',
          `lane ${cursor.lane}: offset ${offset} where ${from + index} was due`,
        );
    if (records.length === 0) return;
    if (cursor.confirm) confirm(cursor, records.shift());
    for (let at = 0; at < records.length; at += BATCH_RECORDS) {
      if (at > 0) await nextTurn();
      this.#deliver(cursor, records.slice(at, at + BATCH_RECORDS));
    }
  }

  #deliver(cursor: Cursor, records: readonly LogRecord[]): void {
    if (this.#stopped) return;
    cursor.next += records.length;
    cursor.last = records.at(-1);
    try {
      this.#follow.onRecords(records);
    } catch (error) {
      throw new Ended(error);
    }
  }
}

/** Ends the subscription; its cause is what the subscriber is told. */
class Ended extends Error {
  constructor(cause: unknown) {
    super('the subscription ended', { cause });
  }
}

function ended(code: string, message: string): Ended {
  return new Ended(new Fault(code, message, { retryable: false }));
}

/** A log that lost its newest records and took others instead has the same offsets, and is another log. */
function confirm(cursor: Cursor, again: LogRecord | undefined): void {
  const { last } = cursor;
  const isSame =
    again !== undefined &&
    last !== undefined &&
    again.key === last.key &&
    again.stampMs === last.stampMs &&
    Buffer.compare(again.bytes, last.bytes) === 0;
  if (!isSame)
    throw ended('log_changed', `lane ${cursor.lane}: the record at ${cursor.next - 1} is another`);
  cursor.confirm = false;
}

function keyOf({ topic, partition }: Place): string {
  return `${topic}:${partition}`;
}
