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

beforeEach(() => {
  time = new VirtualTime(START_MS);
  tables = new EventTables();
  log = emptyLog();
  [isOut, asked, onInsert] = [false, 0, () => {}];
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
  const store: EventStore = eventStorePort({ tables: () => tables, ask });
  return new EventArchive({
    ...{ host, trusted: TRUSTED, clock: time.clock, timers: time.timers, log: silentLog },
    key: { capabilities: { inProcess: true }, keyId, publicKey, sign },
    openStore: () => Promise.resolve(store),
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
