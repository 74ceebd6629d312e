import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { EventStore } from '@countersign/ports';
import { afterAll, describe, expect, it } from 'vitest';
import { DATABASE, engineInProcess } from './engine.ts';
import { openEventStore } from './event-store.ts';
import { BATCH_RECORDS, batchOf } from './testing/batches.ts';

const CHILD = fileURLToPath(new URL('lost-writes-child.fixture.ts', import.meta.url));
const BATCHES = 12;
const EMPTIES = 4;

/** What the child said before it ended, or before it was killed as it said so many lines. */
async function saidBy(folder: string, empties: number, lines = Infinity): Promise<string[]> {
  const args = ['--import', 'tsx', CHILD, folder, String(BATCHES), String(empties)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const said: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    said.push(line);
    if (said.length === lines) child.kill('SIGKILL');
  }
  expect(await exited).toEqual(said.length < lines ? [0, null] : [null, 'SIGKILL']);
  return said;
}

/** The engine binds one folder per process. */
const FOLDER = mkdtempSync(join(tmpdir(), 'countersign-lost-'));
afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

const open = () => openEventStore({ logId: 'lost', folder: FOLDER });
/** Opened as a recorder does, which tries again. */
const opened = () => open().catch(() => open());

async function countsOf(store: EventStore): Promise<number[] | undefined> {
  const { rows } = await store.sql(
    'acme',
    `SELECT (SELECT count() FROM events), (SELECT uniqExact(leaf) FROM events), (SELECT count() FROM openings WHERE value != ''),
     (SELECT sum(payments) FROM spend_by_day), (SELECT sum(payments) FROM spend_by_reason), (SELECT count() FROM cuts)`,
  );
  return rows[0]?.map(Number);
}

async function command(query: string): Promise<void> {
  const engine = await engineInProcess(FOLDER);
  await engine.writer.command({ query });
  await engine.close();
}

/** Stores from the store's end on, again from its end when it was emptied. */
async function fill(store: EventStore, batches: number): Promise<void> {
  let emptied = 0;
  for (;;) {
    const next = (await store.archived()).sequence + 1;
    if (next === batches) return;
    await store.archive(batchOf(next)).catch((error: unknown) => {
      emptied += 1;
      if (emptied > 1) throw error;
    });
  }
}

const whole = (batches: number) => [...Array<number>(5).fill(batches * BATCH_RECORDS), batches];

it(
  'empties itself when the engine did not write what it took, and holds everything once it is filled again',
  { timeout: 300_000 },
  async () => {
    for (const lines of [2, 5, 9]) await saidBy(FOLDER, Infinity, lines);
    const said = await saidBy(FOLDER, EMPTIES);
    expect(said.filter((line) => line === 'emptied')).toHaveLength(EMPTIES);

    const store = await opened();
    expect(await countsOf(store)).toEqual(whole(BATCHES));
    await store.close();
  },
);

describe('a store that lacks what it took when it is opened', () => {
  const filled = async () => {
    await command(`DROP DATABASE IF EXISTS ${DATABASE} SYNC`);
    const store = await open();
    await fill(store, 2);
    await store.close();
  };

  it.each([
    'ALTER TABLE records DELETE WHERE leaf = 7',
    'ALTER TABLE cuts DELETE WHERE sequence = 0',
    "ALTER TABLE spend_by_day DELETE WHERE agent = 'agent-1'",
    'TRUNCATE TABLE spend_by_reason',
  ])('is emptied: %s', async (query) => {
    await filled();
    await command(`${query} SETTINGS mutations_sync = 2`);
    await expect(open()).rejects.toMatchObject({ code: 'event_store_emptied', retryable: true });
    const store = await open();
    expect((await store.archived()).sequence).toBe(-1);
    await fill(store, 2);
    expect(await countsOf(store)).toEqual(whole(2));
    await store.close();
  });

  it('is emptied after the first cut where a rollup counts one twice', async () => {
    await filled();
    await command('INSERT INTO spend_by_day SELECT * FROM spend_by_day LIMIT 1');
    const store = await open();
    await expect(store.archive(batchOf(2))).rejects.toMatchObject({ code: 'event_store_emptied' });
    await fill(store, 3);
    expect(await countsOf(store)).toEqual(whole(3));
    await store.close();
  });

  it.each(['records', 'openings', 'spend_by_day', 'spend_by_reason', 'cuts', 'log'])(
    'is whole again after a crash in the midst of being emptied, when %s was gone',
    async (table) => {
      await filled();
      await command('TRUNCATE TABLE cuts');
      for (const dropped of ['migrations', table]) await command(`DROP TABLE ${dropped} SYNC`);
      const store = await opened();
      await fill(store, 3);
      expect(await countsOf(store)).toEqual(whole(3));
      await store.close();
    },
  );
});
