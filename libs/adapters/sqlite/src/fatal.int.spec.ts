import { closeSync, openSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { CONTROL } from '@countersign/ports';
import { SetClock } from '@countersign/ports/suites';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase } from './database.ts';
import { openStore, storeOver } from './store.ts';
import { freshPath } from './store-under-test.ts';
import { SyncStore } from './sync-store.ts';

const BOOK = { tenant: 'acme', epoch: 0 };
const clock = new SetClock();
const unavailable = { name: 'Fault', code: 'log_unavailable' };
const record = (size: number) => ({ lane: '0', key: 'acme/a', bytes: new Uint8Array(size) });
const reservation = (paymentId: string) => ({
  ...BOOK,
  paymentId,
  attempt: { round: 0, through: 0 },
  amount: 1n,
  scopes: ['agent:a'],
  always: [],
  tiers: [{ name: 'auto', scope: 'tier:auto', limits: [] }],
  inputs: '',
});

let place: ReturnType<typeof freshPath>;
beforeEach(() => {
  place = freshPath();
});
afterEach(() => {
  place.remove();
});

/** A store whose file may hold about 400 KB. */
function smallStore() {
  const open = openDatabase({ path: place.path, laneCount: 1 });
  open.database.exec('PRAGMA max_page_count = 100');
  return storeOver(new SyncStore(open, clock));
}

describe('a store whose disk is full', () => {
  it('fails every call of the group, and every call after it', async () => {
    const store = smallStore();
    await store.log.append([record(1)]);
    const group = await Promise.allSettled([
      store.budgets.reserve(reservation('p1')),
      store.log.append([record(1)]),
      store.log.append([record(600_000)]),
      store.budgets.reserve(reservation('p2')),
    ]);
    for (const outcome of group)
      expect(outcome).toMatchObject({ status: 'rejected', reason: unavailable });
    await expect(store.log.append([record(1)])).rejects.toMatchObject(unavailable);
    await expect(store.log.read('0', 0, 1)).rejects.toMatchObject(unavailable);
    await expect(store.log.end('0')).rejects.toMatchObject(unavailable);
    await expect(store.budgets.release(BOOK, 'p1')).rejects.toMatchObject(unavailable);
    await expect(store.budgets.open(BOOK)).rejects.toMatchObject(unavailable);
    await expect(store.eraseOpenings({ lane: '0', offset: 0 })).rejects.toMatchObject(unavailable);
    expect(() =>
      store.log.subscribe(
        new Map([['0', 0]]),
        () => {},
        () => {},
      ),
    ).toThrow();
    expect(await store.death).toMatchObject(unavailable);
    await store.close();
    await store.close();
  });

  it('holds what was acknowledged, and nothing of the failed group, when opened again', async () => {
    const store = smallStore();
    await store.log.append([record(1)]);
    await Promise.allSettled([
      store.budgets.reserve(reservation('p1')),
      store.log.append([record(600_000)]),
    ]);
    await store.close();
    const again = openStore({ path: place.path, laneCount: 1, clock });
    expect(await again.log.end('0')).toBe(1);
    expect(await again.budgets.open(BOOK)).toEqual([]);
    await again.close();
  });

  it('tells every subscriber once', async () => {
    const store = smallStore();
    const faults: unknown[] = [];
    const told = Promise.all(
      ['0', CONTROL].map(
        (lane) =>
          new Promise<void>((resolve) => {
            const onFault = (error: unknown) => resolve(void faults.push(error));
            store.log.subscribe(new Map([[lane, 0]]), () => undefined, onFault);
          }),
      ),
    );
    await expect(store.log.append([record(600_000)])).rejects.toMatchObject(unavailable);
    await told;
    expect(faults).toMatchObject([unavailable, unavailable]);
    await store.close();
  });
});

describe('a file that is not a sound store', () => {
  const open = () => openStore({ path: place.path, laneCount: 1, clock });

  it('is refused when it is no database', () => {
    writeFileSync(place.path, 'not a database, but long enough to be taken for one'.repeat(99));
    expect(open).toThrow(expect.objectContaining(unavailable));
  });

  it('is refused, and left as it is, when it is the database of something else', () => {
    const other = new DatabaseSync(place.path);
    other.exec('CREATE TABLE theirs (a)');
    other.close();
    expect(open).toThrow(expect.objectContaining({ code: 'store_foreign' }));
    const still = new DatabaseSync(place.path);
    expect(still.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'delete' });
    expect(still.prepare('SELECT name FROM sqlite_schema').all()).toEqual([{ name: 'theirs' }]);
    still.close();
  });

  it('is refused when it is of a later schema, or another log', async () => {
    const store = openStore({ path: place.path, laneCount: 1, clock, logId: 'one' });
    await store.close();
    expect(() => openStore({ path: place.path, laneCount: 1, clock, logId: 'two' })).toThrow(
      expect.objectContaining({ code: 'log_changed' }),
    );
    const later = new DatabaseSync(place.path);
    later.exec('UPDATE meta SET schema_version = 2');
    later.close();
    expect(open).toThrow(expect.objectContaining({ code: 'store_foreign' }));
  });

  it('is refused when it was cut off', async () => {
    const store = open();
    await store.log.append([record(500_000)]);
    await store.close();
    truncateSync(place.path, 300_000);
    expect(open).toThrow(expect.objectContaining(unavailable));
  });

  it('is fatal once a damaged page is met', async () => {
    const store = open();
    await store.log.append([{ ...record(500_000), lane: CONTROL }, record(9)]);
    await store.close();
    const file = openSync(place.path, 'r+');
    writeSync(file, new Uint8Array(100_000).fill(0xff), 0, 100_000, 200_000);
    closeSync(file);
    const damaged = open();
    expect(await damaged.log.read('0', 0, 1)).toHaveLength(1);
    await expect(damaged.log.read(CONTROL, 0, 1)).rejects.toMatchObject(unavailable);
    await expect(damaged.log.append([record(1)])).rejects.toMatchObject(unavailable);
    await damaged.close();
  });

  it('is fatal when somebody deleted a record', async () => {
    const store = open();
    await store.log.append([record(1), record(2), record(3)]);
    await store.close();
    const editor = new DatabaseSync(place.path);
    expect(() => editor.exec('DELETE FROM records WHERE lane_offset = 1')).toThrow('append-only');
    expect(() => editor.exec("UPDATE records SET bytes = x'00'")).toThrow('append-only');
    editor.exec('DROP TRIGGER records_stay; DELETE FROM records WHERE lane_offset = 1');
    editor.close();
    const damaged = open();
    await expect(damaged.log.read('0', 0, 9)).rejects.toMatchObject(unavailable);
    await damaged.close();
  });

  it.each(['', 'file:x.db', 'file::memory:'])('is not "%s"', (path) => {
    expect(() => openStore({ path, laneCount: 1, clock })).toThrow('not the path of a file');
  });
});
