import { Fault, InvariantViolation, sha256Hex } from '@countersign/kernel';
import { type TestAPI, describe, expect, it } from 'vitest';
import type { Clock } from '../clock.ts';
import {
  ARCHIVE,
  type AppendInput,
  CONTROL,
  type EventLog,
  type LaneId,
  type LogRecord,
  type Subscription,
} from '../event-log.ts';

/** A clock that stands still until it is moved. */
export class SetClock implements Clock {
  #nowMs = 1_790_000_000_000;

  nowMs(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  advance(ms: number): void {
    this.#nowMs += ms;
  }
}

/** One log, made for one test. */
export interface EventLogUnderTest {
  readonly log: EventLog;
  /** A second writer to the same log; the same instance where only one process may have it open. */
  readonly other: EventLog;
  /** Closes the log and opens it again, with another lane count if one is given. For `durable` adapters. */
  reopen(laneCount?: number): Promise<EventLog>;
  /** Closes what is open and removes what was made. */
  dispose(): Promise<void>;
}

export interface EventLogFactory {
  readonly capabilities: {
    /** The log's stamps are those of the clock it is given. */
    readonly clock: boolean;
    readonly durable: boolean;
  };
  /** Makes a new, empty log of three lanes, `control` and `archive`. */
  create(clock: SetClock, laneCount: number): Promise<EventLogUnderTest>;
}

const LANES = 3;
const STRANGE_LANES = [String(LANES), '-1', '00', '', 'Control', 'Archive', '0 '];
const RECORD_BYTES_MAX = 1_048_576;
const utf8 = new TextEncoder();
const input = (lane: LaneId, text: string): AppendInput => ({
  lane,
  key: `acme/${text}`,
  bytes: utf8.encode(text),
});
const numbers = (count: number) => Array.from({ length: count }, (_, index) => String(index));
const START = new Map([['0', 0]]);
const textOf = (record: LogRecord) => new TextDecoder().decode(record.bytes);
const all = (log: EventLog, lane: LaneId) => log.read(lane, 0, 100_000);
const texts = async (log: EventLog, lane: LaneId) => (await all(log, lane)).map(textOf);

interface Fixtures {
  readonly clock: SetClock;
  readonly subject: EventLogUnderTest;
  readonly log: EventLog;
}

/** What every adapter of {@link EventLog} guarantees. */
export function describeEventLog(name: string, factory: EventLogFactory): void {
  const clause = it.extend<Fixtures>({
    // eslint-disable-next-line no-empty-pattern -- Vitest reads a fixture's needs from this pattern.
    clock: async ({}, use) => use(new SetClock()),
    subject: async ({ clock }, use) => {
      const subject = await factory.create(clock, LANES);
      await use(subject);
      await subject.dispose();
    },
    log: async ({ subject }, use) => use(subject.log),
  });
  const { clock, durable } = factory.capabilities;
  describe(`${name} as an event log`, () => {
    describe('records', () => appendClauses(clause));
    describe('reading and writing', () => accessClauses(clause));
    describe('refusals', () => refusalClauses(clause));
    describe('subscriptions', () => subscriptionClauses(clause));
    describe('the ends of subscriptions', () => subscriptionEndClauses(clause));
    if (clock) describe('stamps', () => stampClauses(clause));
    if (durable) describe('opened again', () => durableClauses(clause, clock));
  });
}

function appendClauses(it: TestAPI<Fixtures>): void {
  it('gives each lane its own offsets, from 0 and without gaps', async ({ log }) => {
    expect(await log.append([input('0', 'a'), input('1', 'b'), input('0', 'c')])).toEqual([
      { lane: '0', offset: 0 },
      { lane: '1', offset: 0 },
      { lane: '0', offset: 1 },
    ]);
    const others = [input('0', 'd'), input(CONTROL, 'e'), input(ARCHIVE, 'f')];
    expect(await log.append(others)).toEqual([
      { lane: '0', offset: 2 },
      { lane: CONTROL, offset: 0 },
      { lane: ARCHIVE, offset: 0 },
    ]);
    const kept = await all(log, '0');
    expect(kept.map((it) => textOf(it) + it.offset)).toEqual(['a0', 'c1', 'd2']);
    const lanes = ['1', ARCHIVE, '0', CONTROL, '2'];
    const ends = [1, 1, 3, 1, 0];
    expect(await Promise.all(lanes.map((lane) => log.end(lane)))).toEqual(ends);
    expect(await log.ends(lanes)).toEqual(ends);
    expect(await log.ends([])).toEqual([]);
  });

  it('keeps the order of calls that were not awaited', async ({ log }) => {
    const names = numbers(100);
    await Promise.all(names.map((text) => log.append([input('0', text)])));
    expect(await texts(log, '0')).toEqual(names);
  });

  it('keeps bytes exactly, be they text or not', async ({ log }) => {
    const samples = [
      Uint8Array.from({ length: 256 }, (_, byte) => byte),
      Uint8Array.of(0xc3, 0x28, 0x00, 0xff),
      new Uint8Array(0),
      new Uint8Array(RECORD_BYTES_MAX).fill(0x5a),
      utf8.encode('{"text":"ü — \u0000"}'),
      new Uint8Array([9, 8, 7, 6]).subarray(1, 3),
    ];
    await log.append(samples.map((bytes) => ({ lane: '0', key: 'acme/a', bytes })));
    const kept = (await all(log, '0')).map((record) => record.bytes);
    expect(kept.map(sha256Hex)).toEqual(samples.map(sha256Hex));
  });

  it('keeps key and openings, and invents none', async ({ log }) => {
    const openings = Uint8Array.of(0, 255, 1);
    const full = { ...input('0', 'full'), key: 'acme/größe', openings };
    await log.append([full, input('0', 'bare')]);
    const [first, second] = await all(log, '0');
    expect(first).toMatchObject({ key: full.key });
    expect(sha256Hex(first?.openings ?? '')).toBe(sha256Hex(openings));
    expect(Object.keys(second ?? {}).sort()).toEqual(['bytes', 'key', 'lane', 'offset', 'stampMs']);
  });
}

function accessClauses(it: TestAPI<Fixtures>): void {
  it('shows an appended record to its writer at once', async ({ log }) => {
    for (let count = 1; count <= 5; count += 1) {
      const [position] = await log.append([input('2', String(count))]);
      expect(await log.end('2')).toBe(count);
      expect(await log.ends(['1', '2'])).toEqual([0, count]);
      const [record] = await log.read('2', position?.offset ?? -1, 1);
      expect(record && textOf(record)).toBe(String(count));
    }
  });

  it('reads from an offset, at most so many, and nothing at the end', async ({ log }) => {
    await log.append(['a', 'b', 'c', 'd'].map((text) => input('0', text)));
    const read = async (offset: number, max: number) =>
      (await log.read('0', offset, max)).map(textOf).join('');
    expect(await read(1, 2)).toBe('bc');
    expect(await read(3, 9)).toBe('d');
    expect(await read(4, 9)).toBe('');
    expect(await read(99, 9)).toBe('');
    expect(await read(0, 0)).toBe('');
  });

  it('interleaves two racing writers without loss, each in its order', async ({ log, subject }) => {
    const write = async (writer: EventLog, name: string) => {
      for (const count of numbers(50))
        await writer.append(['0', '1'].map((lane) => input(lane, name + count)));
    };
    await Promise.all([write(log, 'x'), write(subject.other, 'y')]);
    for (const lane of ['0', '1']) {
      const kept = await all(log, lane);
      expect(kept.map((it) => it.offset)).toEqual(kept.map((_, index) => index));
      const own = (name: string) => kept.map(textOf).filter((text) => text.startsWith(name));
      expect(own('x')).toEqual(numbers(50).map((it) => `x${it}`));
      expect(own('y')).toEqual(numbers(50).map((it) => `y${it}`));
    }
  });
}

function refusalClauses(it: TestAPI<Fixtures>): void {
  const tooLarge = { ...input('0', 'a'), bytes: new Uint8Array(RECORD_BYTES_MAX + 1) };

  it('refuses a record over 1 MiB, and the whole call with it', async ({ log }) => {
    const call = log.append([input('1', 'a'), tooLarge, input('0', 'b')]);
    await expect(call).rejects.toMatchObject({ code: 'record_too_large', retryable: false });
    await expect(call).rejects.toBeInstanceOf(Fault);
    expect(await Promise.all(['0', '1'].map((lane) => log.end(lane)))).toEqual([0, 0]);
  });

  it('refuses one call and serves those beside it', async ({ log }) => {
    const outcomes = await Promise.allSettled([
      log.append([input('0', 'a')]),
      log.append([tooLarge]),
      log.append([input('0', 'b')]),
    ]);
    expect(outcomes.map((it) => it.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(await texts(log, '0')).toEqual(['a', 'b']);
  });

  it.for(STRANGE_LANES)('knows no lane "%s"', async (lane, { log }) => {
    const call = log.append([input('0', 'a'), input(lane, 'b')]);
    await expect(call).rejects.toBeInstanceOf(InvariantViolation);
    await expect(log.read(lane, 0, 1)).rejects.toBeInstanceOf(InvariantViolation);
    await expect(log.end(lane)).rejects.toBeInstanceOf(InvariantViolation);
    await expect(log.ends(['0', lane])).rejects.toBeInstanceOf(InvariantViolation);
    expect(() => log.subscribe(new Map([[lane, 0]]), ignore, ignore)).toThrow(InvariantViolation);
    expect(await log.end('0')).toBe(0);
  });

  it('waits for what is being written before it is closed, twice', async ({ log }) => {
    const writing = log.append([input('0', 'a')]);
    await Promise.all([log.close(), log.close()]);
    expect(await writing).toEqual([{ lane: '0', offset: 0 }]);
    await log.close();
    await expect(log.append([input('0', 'b')])).rejects.toMatchObject({ code: 'log_unavailable' });
    await expect(log.read('0', 0, 1)).rejects.toMatchObject({ code: 'log_unavailable' });
  });
}

function subscriptionClauses(it: TestAPI<Fixtures>): void {
  it('delivers from a position on, old records and new, without a gap', async ({ log }) => {
    const names = numbers(40);
    for (const text of names.slice(0, 20)) await log.append([input('0', text)]);
    const reader = new Reader(log, new Map([['0', 5]]));
    for (const text of names.slice(20)) await log.append([input('0', text)]);
    await reader.until(35);
    expect(reader.texts('0')).toEqual(names.slice(5));
    expect(reader.seen[0]?.offset).toBe(5);
  });

  it('delivers every named lane in its order, and no other lane', async ({ log }) => {
    const reader = new Reader(log, new Map([CONTROL, ARCHIVE, '0', '2'].map((it) => [it, 0])));
    const lanes = [CONTROL, ARCHIVE, '0', '1', '2'];
    for (const text of numbers(30)) await log.append(lanes.map((lane) => input(lane, text)));
    await reader.until(120);
    for (const lane of [CONTROL, ARCHIVE, '0', '2'])
      expect(reader.texts(lane)).toEqual(numbers(30));
    expect(reader.texts('1')).toEqual([]);
  });

  it('delivers a long history whole, and the records as they were read', async ({ log }) => {
    await log.append(numbers(3_000).map((text) => input('1', text)));
    const reader = new Reader(log, new Map([['1', 0]]));
    await reader.until(3_000);
    expect(reader.seen).toEqual(await all(log, '1'));
  });

  it('makes one call at a time, also when a handler appends', async ({ log }) => {
    let running = 0;
    const appends: Promise<unknown>[] = [];
    const reader: Reader = new Reader(log, START, () => {
      expect((running += 1)).toBe(1);
      if (reader.seen.length < 11) appends.push(log.append([input('0', 'next')]));
      running -= 1;
    });
    await log.append([input('0', 'first')]);
    await reader.until(11);
    await Promise.all(appends);
    expect(reader.seen).toEqual((await all(log, '0')).slice(0, reader.seen.length));
  });
}

function subscriptionEndClauses(it: TestAPI<Fixtures>): void {
  it('ends for a handler that throws, reports it once, and spares others', async ({ log }) => {
    const error = new Error('broken handler');
    const broken = new Reader(log, START, () => {
      throw error;
    });
    const sound = new Reader(log, START);
    await log.append([input('0', 'a')]);
    await expect(broken.until(2)).rejects.toBe(error);
    await log.append([input('0', 'b')]);
    await sound.until(2);
    expect(broken.faults).toEqual([error]);
    expect(broken.texts('0')).toEqual(['a']);
    expect(sound.faults).toEqual([]);
  });

  it('delivers nothing once it is closed, be it twice or from within', async ({ log }) => {
    const closed = new Reader(log, START);
    await Promise.all([closed.close(), closed.close()]);
    const both = new Map(['0', '1'].map((lane) => [lane, 0]));
    const calls: Promise<void>[] = [];
    const once: Reader = new Reader(log, both, () => calls.push(once.close()));
    const witness = new Reader(log, START);
    await log.append([input('0', 'a'), input('1', 'a')]);
    await once.until(1);
    await log.append([input('0', 'b')]);
    await witness.until(2);
    expect([closed.seen.length, calls.length]).toEqual([0, 1]);
  });

  it('reports a position past the end of the log instead of waiting there', async ({ log }) => {
    await log.append([input('0', 'a')]);
    const outcome = await new Promise<unknown>((resolve) => {
      try {
        log.subscribe(new Map([['0', 2]]), resolve, resolve);
      } catch (error) {
        resolve(error);
      }
    });
    expect(outcome).toMatchObject({ code: 'log_shorter', retryable: false });
  });
}

function stampClauses(it: TestAPI<Fixtures>): void {
  it('stamps with its own clock, which never goes back within a lane', async ({ clock, log }) => {
    const startMs = clock.nowMs();
    const stamps: number[] = [];
    for (const stepMs of [0, 50, -5_000, 10, 6_000, -1]) {
      clock.advance(stepMs);
      await log.append([input('0', 'a')]);
      stamps.push((await all(log, '0')).at(-1)?.stampMs ?? -1);
    }
    expect(stamps.map((it) => it - startMs)).toEqual([0, 50, 50, 50, 1_060, 1_060]);
  });
}

function durableClauses(it: TestAPI<Fixtures>, hasClock: boolean): void {
  it('holds all that was acknowledged, under the same identity', async ({ subject, log }) => {
    const { logId, laneCount } = log;
    await log.append([input('0', 'a'), { ...input('0', 'b'), openings: Uint8Array.of(7) }]);
    await log.append([input(CONTROL, 'c'), input(ARCHIVE, 'd')]);
    const whole = (it: EventLog) =>
      Promise.all(['0', CONTROL, ARCHIVE].map((lane) => all(it, lane)));
    const before = await whole(log);
    const again = await subject.reopen();
    expect(await whole(again)).toEqual(before);
    expect(again).toMatchObject({ logId, laneCount, capabilities: { durable: true } });
    expect(await again.append([input('0', 'd')])).toEqual([{ lane: '0', offset: 2 }]);
  });

  it('refuses another number of lanes', async ({ subject, log }) => {
    await log.append([input('2', 'a')]);
    for (const count of [LANES - 1, LANES + 1])
      await expect(subject.reopen(count)).rejects.toMatchObject({ code: 'lane_count_changed' });
    expect(await texts(await subject.reopen(), '2')).toEqual(['a']);
  });

  it.runIf(hasClock)('keeps its time under an earlier clock', async ({ subject, clock, log }) => {
    const startMs = clock.nowMs();
    await log.append([input('0', 'a')]);
    clock.advance(-9_000);
    const again = await subject.reopen();
    await again.append([input('0', 'b'), input('1', 'c')]);
    const stamps = [...(await all(again, '0')), ...(await all(again, '1'))];
    expect(stamps.map((record) => record.stampMs)).toEqual([startMs, startMs, startMs]);
  });
}

/** Collects what a subscription delivers; a record delivered again is counted once, as delivery is at least once. */
class Reader {
  readonly seen: LogRecord[] = [];
  readonly faults: unknown[] = [];
  readonly #next: Map<LaneId, number>;
  readonly #subscription: Subscription;
  #wake = ignore;

  constructor(log: EventLog, from: ReadonlyMap<LaneId, number>, handle = ignore) {
    this.#next = new Map(from);
    this.#subscription = log.subscribe(
      from,
      (records) => {
        for (const record of records) this.#take(record);
        this.#wake();
        handle();
      },
      (error) => {
        this.faults.push(error);
        this.#wake();
      },
    );
  }

  texts(lane: LaneId): string[] {
    return this.seen.filter((it) => it.lane === lane).map(textOf);
  }

  async until(count: number): Promise<void> {
    while (this.seen.length < count) {
      if (this.faults.length > 0) throw this.faults[0];
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  close(): Promise<void> {
    return this.#subscription.close();
  }

  #take(record: LogRecord): void {
    const next = this.#next.get(record.lane) ?? 0;
    if (record.offset > next) throw new Error(`gap before ${record.lane}:${record.offset}`);
    if (record.offset < next) return;
    this.#next.set(record.lane, next + 1);
    this.seen.push(record);
  }
}

function ignore(): void {
  // A handler that has nothing to do.
}
