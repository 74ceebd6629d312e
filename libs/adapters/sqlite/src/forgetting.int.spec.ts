import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Book, ReserveRequest } from '@countersign/ports';
import { SetClock } from '@countersign/ports/suites';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type SyncStore, openSyncStore } from './sync-store.ts';

const BOOK: Book = { tenant: 'acme', epoch: 0 };
const DAY_MS = 86_400_000;
const LEVELS = 6;

let folder: string;
let path: string;
let clock: SetClock;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-forgetting-'));
  path = join(folder, 'store.db');
  clock = new SetClock();
});
afterEach(() => rmSync(folder, { recursive: true }));

const request = (paymentId: string): ReserveRequest => ({
  ...BOOK,
  paymentId,
  attempt: { round: 0, through: 0 },
  amount: 1n,
  scopes: ['agent:a'],
  always: [],
  tiers: [{ name: 'auto', scope: 'tier:a/auto', limits: [] }],
  inputs: '{}',
});

const opened = () => openSyncStore({ path, laneCount: 1, clock });

/** Lives through days: one payment is paid and one released on each, in one counter per day besides the common ones. */
function live(store: SyncStore, from: number, to: number): void {
  for (let day = from; day < to; day += 1) {
    for (const id of [`paid-${day}`, `free-${day}`])
      store.reserveNow({ ...request(id), scopes: ['agent:a', `task:a/${day}`] });
    store.commitNow(BOOK, `paid-${day}`, clock.nowMs());
    store.releaseNow(BOOK, `free-${day}`);
    clock.advance(DAY_MS);
  }
}

/** How many rows there are, without the store being open. */
function rows(): Record<'payments' | 'ends' | 'spent', number> {
  const database = new DatabaseSync(path);
  const count = (table: string) =>
    Number(database.prepare(`SELECT count(*) AS rows FROM ${table}`).get()?.['rows']);
  const found = { payments: count('payments'), ends: count('ends'), spent: count('spent') };
  database.close();
  return found;
}

it('keeps as many ends and entries by time after three years as after two', () => {
  const store = opened();
  store.transact(() => live(store, 0, 700));
  store.close();
  const before = rows();
  const later = opened();
  later.transact(() => live(later, 700, 1_050));
  const [ever] = later.readingsNow(BOOK, [
    { id: 'ever', scope: 'agent:a', window: { kind: 'lifetime' } },
  ]);
  later.close();
  const after = rows();
  expect(ever).toMatchObject({ committed: '1050', committedCount: 1_050, openCount: 0 });
  expect(after.payments).toBe(before.payments);
  expect(after.ends).toBe(after.payments);
  expect(after.payments).toBeLessThan(2 * 403);
  // Each paid one has a row per level in its own counter, and at most that in the two common ones.
  expect(after.spent).toBeLessThan(3 * LEVELS * 403);
});

it('works off what a file from before it forgot anything holds', () => {
  const store = opened();
  store.transact(() => live(store, 0, 20));
  store.close();
  const before = new DatabaseSync(path);
  before.exec('DROP TABLE ends');
  before.close();
  const later = opened();
  clock.advance(400 * DAY_MS);
  later.transact(() => live(later, 20, 40));
  later.close();
  expect(rows()).toMatchObject({ payments: 40, ends: 40 });
});
