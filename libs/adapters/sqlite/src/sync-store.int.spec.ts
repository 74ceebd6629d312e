import { readFileSync, statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { InvariantViolation } from '@countersign/kernel';
import { SetClock } from '@countersign/ports/suites';
import { describe, expect, it } from 'vitest';
import { openStore } from './store.ts';
import { freshPath } from './store-under-test.ts';
import { openSyncStore } from './sync-store.ts';

const BOOK = { tenant: 'acme', epoch: 0 };

const record = (text: string, openings?: string) => ({
  lane: '0',
  key: 'acme/a',
  bytes: new TextEncoder().encode(text),
  ...(openings === undefined ? {} : { openings: new TextEncoder().encode(openings) }),
});
const memory = () => openSyncStore({ path: ':memory:', laneCount: 1, clock: new SetClock() });
const reservation = (paymentId: string, amount = 1n) => ({
  ...BOOK,
  paymentId,
  attempt: { round: 0, through: 0 },
  amount,
  scopes: ['agent:a'],
  always: [],
  tiers: [{ name: 'auto', scope: 'tier:auto', limits: [] }],
  inputs: '',
});

describe('the synchronous store', () => {
  it('answers at once', () => {
    const store = memory();
    expect(store.appendNow([record('a')])).toEqual([{ lane: '0', offset: 0 }]);
    expect(store.reserveNow(reservation('p1'))).toMatchObject({ kind: 'answered' });
    store.commitNow(BOOK, 'p1', 5);
    expect(() => store.releaseNow(BOOK, 'p1')).toThrow(InvariantViolation);
    const window = { kind: 'lifetime' } as const;
    expect(store.readingsNow(BOOK, [{ id: 'l', scope: 'agent:a', window }])).toMatchObject([
      { committed: '1', open: '0' },
    ]);
    expect(store.openNow(BOOK)).toEqual([]);
    expect([store.endNow('0'), store.readNow('0', 0, 9).length]).toEqual([1, 1]);
  });

  it('undoes the whole transaction that a refusal leaves, and goes on', () => {
    const store = memory();
    const torn = () =>
      store.transact(() => {
        store.appendNow([record('lost')]);
        store.reserveNow(reservation('p1'));
        store.reserveNow(reservation('p2', -1n));
      });
    expect(torn).toThrow(InvariantViolation);
    expect([store.endNow('0'), store.openNow(BOOK)]).toEqual([0, []]);
    expect(store.appendNow([record('kept')])).toEqual([{ lane: '0', offset: 0 }]);
  });

  it('lists open reservations by payment id, also of a file from before that was indexed so', () => {
    const place = freshPath();
    const options = { path: place.path, laneCount: 1, clock: new SetClock() };
    const first = openSyncStore(options);
    for (const id of ['p3', 'p1', 'p4', 'p2']) first.reserveNow(reservation(id));
    first.releaseNow(BOOK, 'p4');
    first.close();
    const before = new DatabaseSync(place.path);
    before.exec(`DROP INDEX payments_held;
      CREATE INDEX payments_open ON payments (tenant, payment_id) WHERE state = 'open'`);
    before.close();
    const again = openSyncStore(options);
    expect(again.openNow(BOOK).map(({ paymentId }) => paymentId)).toEqual(['p1', 'p2', 'p3']);
    again.close();
    const after = new DatabaseSync(place.path);
    const indexes = after.prepare("SELECT name FROM sqlite_schema WHERE name LIKE 'payments_%'");
    expect(indexes.all()).toEqual([{ name: 'payments_held' }]);
    after.close();
    place.remove();
  });

  it('reads a record of a file that kept a trace context beside it, and appends after it', () => {
    const place = freshPath();
    const options = { path: place.path, laneCount: 1, clock: new SetClock() };
    openSyncStore(options).close();
    const before = new DatabaseSync(place.path);
    before.exec(`INSERT INTO records (lane, lane_offset, stamp_ms, key, bytes, traceparent)
      VALUES ('0', 0, 5, 'acme/a', x'61', '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01')`);
    before.close();
    const store = openSyncStore(options);
    store.appendNow([record('b')]);
    expect(store.readNow('0', 0, 9)).toMatchObject([
      { lane: '0', offset: 0, stampMs: 5, key: 'acme/a', bytes: record('a').bytes },
      { lane: '0', offset: 1, bytes: record('b').bytes },
    ]);
    store.close();
    place.remove();
  });

  it('counts on from what stands in the file, whatever was undone and however often it is opened', () => {
    const place = freshPath();
    const open = () =>
      openSyncStore({ path: place.path, laneCount: 1, clock: new SetClock(), logId: 'counted' });
    const count = (store: ReturnType<typeof open>) => {
      const window = { kind: 'lifetime' } as const;
      const [reading] = store.readingsNow(BOOK, [{ id: 'l', scope: 'agent:a', window }]);
      return [reading?.committed, reading?.open, reading?.committedCount, reading?.openCount];
    };
    const sequenceOf = (store: ReturnType<typeof open>, id: string) => {
      const reserved = store.reserveNow(reservation(id));
      return reserved.kind === 'answered' ? reserved.answer.sequence : reserved.kind;
    };
    const first = open();
    expect(sequenceOf(first, 'p1')).toBe(1);
    const torn = () =>
      first.transact(() => {
        first.commitNow(BOOK, 'p1', 5);
        first.reserveNow(reservation('p2', 7n));
        first.reserveNow(reservation('p3', -1n));
      });
    expect(torn).toThrow(InvariantViolation);
    expect(count(first)).toEqual(['0', '1', 0, 1]);
    first.transact(() => {
      expect([sequenceOf(first, 'p2'), sequenceOf(first, 'p3')]).toEqual([2, 3]);
      first.commitNow(BOOK, 'p1', 5);
      first.releaseNow(BOOK, 'p2');
    });
    expect(count(first)).toEqual(['1', '1', 1, 1]);
    first.close();
    const second = open();
    expect(count(second)).toEqual(['1', '1', 1, 1]);
    expect(sequenceOf(second, 'p4')).toBe(4);
    second.close();
    place.remove();
  });

  it('tells its listeners after each transaction', () => {
    const store = memory();
    const ends: number[] = [];
    store.onCommit(() => ends.push(store.endNow('0')));
    store.appendNow([record('a')]);
    store.transact(() => [store.appendNow([record('b')]), store.appendNow([record('c')])]);
    expect(ends).toEqual([1, 3]);
  });

  it('reads no further once a batch is large enough', () => {
    const store = memory();
    store.appendNow(['aaaa', 'bbbb', 'cccc'].map((text) => record(text)));
    expect(store.readNow('0', 0, 9, 5)).toHaveLength(2);
    expect(store.readNow('0', 2, 9, 1)).toHaveLength(1);
  });

  it('does not take a clock for time that shows none', () => {
    const clock = { nowMs: () => NaN, monotonicMs: () => 0 };
    const store = openSyncStore({ path: ':memory:', laneCount: 1, clock });
    expect(() => store.appendNow([record('a')])).toThrow(InvariantViolation);
    expect(store.endNow('0')).toBe(0);
  });

  it('refuses a key that would come back otherwise', () => {
    const store = memory();
    for (const key of ['a\0b', 'lone \ud800'])
      expect(() => store.appendNow([{ ...record('a'), key }])).toThrow(InvariantViolation);
  });
});

describe('the group commit', () => {
  it('makes one transaction of the calls of one turn, in their order', async () => {
    const store = openStore({ path: ':memory:', laneCount: 1, clock: new SetClock() });
    let commits = 0;
    store.sync.onCommit(() => (commits += 1));
    const settled: string[] = [];
    const note = (name: string) => () => settled.push(name);
    await Promise.all([
      store.log.append([record('a')]).then(note('append a')),
      store.budgets.reserve(reservation('p1')).then(note('reserve')),
      store.budgets.reserve(reservation('p2', -1n)).catch(note('refused')),
      store.budgets.release(BOOK, 'p1').then(note('release')),
      store.log.append([record('b')]).then(note('append b')),
    ]);
    expect(commits).toBe(1);
    expect(settled).toEqual(['append a', 'reserve', 'refused', 'release', 'append b']);
    expect(await store.budgets.open(BOOK)).toEqual([]);
    await store.close();
  });
});

describe('openings', () => {
  it('are erased from the record, the file and its write-ahead log; what was hashed stays', async () => {
    const place = freshPath();
    const store = openStore({ path: place.path, laneCount: 1, clock: new SetClock() });
    await store.log.append([record('hashed', 'a secret name'), record('other', 'a kept name')]);
    // A batch cut short must not leave a reader behind that would keep the old pages alive.
    expect(store.sync.readNow('0', 0, 9, 1)).toHaveLength(1);
    for (const position of [
      { lane: '0', offset: 0 },
      { lane: '0', offset: 0 },
    ])
      await store.eraseOpenings(position);
    const [first, second] = await store.log.read('0', 0, 9);
    expect(first).not.toHaveProperty('openings');
    expect(new TextDecoder().decode(first?.bytes)).toBe('hashed');
    expect(second).toHaveProperty('openings');
    const onDisk = ['', '-wal'].map((suffix) => readFileSync(place.path + suffix, 'latin1')).join();
    expect(onDisk).not.toContain('a secret name');
    expect(onDisk).toContain('a kept name');
    expect(statSync(`${place.path}-wal`).size).toBe(0);
    await expect(store.eraseOpenings({ lane: '0', offset: 2 })).rejects.toThrow(InvariantViolation);
    await store.close();
    place.remove();
  });
});
