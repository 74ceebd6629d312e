import { setImmediate as turn } from 'node:timers/promises';
import { openStore } from '@countersign/adapter-sqlite';
import { EventArchive } from '@countersign/audit/service';
import { Fault } from '@countersign/kernel';
import { ARCHIVE, type EventLog, type EventStore } from '@countersign/ports';
import { LaneHost, silentLog } from '@countersign/service-kit';
import { VirtualTime } from '@countersign/testkit';
import { beforeEach, describe, expect, it } from 'vitest';
import { KEYS, TRUSTED } from './cast.ts';
import { eventStorePort } from './event-store.ts';
import { EventTables } from './event-tables.ts';

const START_MS = 1_790_000_000_000;
const OUT = new Fault('event_store_unavailable', 'nobody answers', { retryable: true });
let time: VirtualTime;
let tables: EventTables;
let log: EventLog;
let isOut: boolean;
let asked: number;
/** Happens with each insert of records. */
let onInsert: () => void;
/** When the store was asked to open, and what kept it from that. */
let openedAtMs: number[];
let opensNot: Fault | undefined;
let closed: number;

beforeEach(() => {
  time = new VirtualTime(START_MS);
  tables = new EventTables();
  log = emptyLog();
  [isOut, asked, onInsert] = [false, 0, () => {}];
  [openedAtMs, opensNot, closed] = [[], undefined, 0];
});

const emptyLog = () =>
  openStore({ path: ':memory:', laneCount: 1, logId: 'one', clock: time.clock }).log;
/** Bytes that are no event: they are folded, and ignored. */
const record = { lane: '0', key: 'somebody', bytes: new TextEncoder().encode('{}') };

async function recorderOf(on: EventLog): Promise<EventArchive> {
  const host = new LaneHost(on, TRUSTED, () => {});
  await host.start();
  const ask = <T>(name: string, statement: () => T) => {
    asked += 1;
    if (isOut) return Promise.reject(OUT);
    if (name.startsWith('insert')) onInsert();
    return Promise.resolve().then(statement);
  };
  const { keyId, publicKey } = KEYS.recorder;
  const sign = (text: Parameters<typeof KEYS.recorder.sign>[0]) =>
    Promise.resolve(KEYS.recorder.sign(text));
  const store: EventStore = {
    ...eventStorePort({ tables: () => tables, ask }),
    close: () => {
      closed += 1;
      return Promise.resolve();
    },
  };
  return new EventArchive({
    ...{ host, trusted: TRUSTED, clock: time.clock, timers: time.timers, log: silentLog },
    key: { capabilities: { inProcess: true }, keyId, publicKey, sign },
    openStore: () => {
      openedAtMs.push(time.nowMs - START_MS);
      return opensNot ? Promise.reject(opensNot) : Promise.resolve(store);
    },
    everyMs: 5_000,
  });
}

describe('a question to the event store', () => {
  it('is answered with all that was folded before it', async () => {
    await log.append([record, record]);
    const { archived } = await (await recorderOf(log)).upToDate();
    expect(archived.ends.get('0')).toBe(2);
    expect(tables.records.map(({ columns }) => columns.ignored)).toEqual(
      Array(2).fill('undecodable'),
    );
  });

  it('is answered while records keep coming', async () => {
    onInsert = () => void log.append([record]);
    await log.append([record]);
    const { archived } = await (await recorderOf(log)).upToDate();
    expect(archived.ends.get('0')).toBeGreaterThanOrEqual(1);
  });

  it('ends with a fault, after one try, when the store does not answer', async () => {
    await log.append([record]);
    const archive = await recorderOf(log);
    await archive.upToDate();
    await log.append([record]);
    [isOut, asked] = [true, 0];
    await expect(archive.upToDate()).rejects.toBe(OUT);
    expect(asked).toBeLessThan(5);
  });

  it('is refused where the store goes further than the log', async () => {
    await log.append([record]);
    await (await recorderOf(log)).upToDate();
    const older = emptyLog();
    await expect((await recorderOf(older)).upToDate()).rejects.toMatchObject({
      code: 'log_shorter',
      retryable: false,
    });
    expect(await older.end(ARCHIVE)).toBe(0);
  });
});

/** Second by second, with all that follows from each. */
async function pass(seconds: number) {
  for (let passed = 0; passed < seconds; passed += 1) {
    time.moveTo(time.nowMs + 1_000);
    await turn();
  }
}

describe('a store that did not keep what it took', () => {
  const leaves = () => tables.records.map(({ leaf }) => leaf);

  it('is filled again from the beginning, with the next record', async () => {
    await log.append([record, record]);
    const archive = await recorderOf(log);
    await archive.upToDate();
    await log.append([record]);
    await turn();
    tables = new EventTables();
    await expect(archive.upToDate()).rejects.toMatchObject({ code: 'event_store_emptied' });
    expect((await archive.upToDate()).archived.ends.get('0')).toBe(3);
    expect(leaves()).toEqual([0, 1, 2]);
  });

  it('is filled again within two minutes when nothing comes', async () => {
    await log.append([record, record]);
    const archive = await recorderOf(log);
    await archive.upToDate();
    tables = new EventTables();
    await pass(120);
    expect(leaves()).toEqual([0, 1]);
    await archive.close();
  });

  it('is not taken for filled by who asks', async () => {
    await log.append([record]);
    const archive = await recorderOf(log);
    await archive.upToDate();
    tables = new EventTables();
    await expect(archive.upToDate()).rejects.toMatchObject({ code: 'event_store_emptied' });
    expect((await archive.upToDate()).archived.treeSize).toBe(1);
  });

  it('is filled again when it is emptied in the midst of an insert', async () => {
    await log.append([record]);
    const archive = await recorderOf(log);
    await archive.upToDate();
    await log.append([record]);
    await turn();
    onInsert = () => {
      tables = new EventTables();
      onInsert = () => {};
    };
    await archive.upToDate().catch(() => undefined);
    expect((await archive.upToDate()).archived.treeSize).toBe(2);
    expect(leaves()).toEqual([0, 1]);
  });
});

describe('a store that does not open', () => {
  it('is tried again after longer and longer, until it opens', async () => {
    opensNot = OUT;
    const archive = await recorderOf(log);
    archive.work();
    await pass(200);
    expect(archive.isRecording).toBe(false);
    const pauses = openedAtMs.slice(1).map((atMs, index) => atMs - (openedAtMs[index] ?? 0));
    expect(pauses).toEqual([5_000, 10_000, 20_000, 40_000, 60_000]);
    opensNot = undefined;
    await pass(60);
    expect(archive.isRecording).toBe(true);
    await archive.close();
  });

  it('is not tried again for what does not pass', async () => {
    opensNot = new Fault('event_store_foreign', 'of another log', { retryable: false });
    const archive = await recorderOf(log);
    archive.work();
    await pass(300);
    expect([openedAtMs, archive.isRecording]).toEqual([[10_000], false]);
  });

  it('is closed again where the recorder cannot begin', async () => {
    isOut = true;
    const archive = await recorderOf(log);
    await expect(archive.store()).rejects.toBe(OUT);
    expect(closed).toBe(1);
  });
});

describe('a recorder', () => {
  it('does not record while the store takes nothing', async () => {
    await log.append([record]);
    const archive = await recorderOf(log);
    await archive.store();
    expect(archive.isRecording).toBe(true);
    isOut = true;
    await expect(archive.upToDate()).rejects.toBe(OUT);
    expect(archive.isRecording).toBe(false);
    isOut = false;
    await archive.upToDate();
    expect(archive.isRecording).toBe(true);
  });
});
