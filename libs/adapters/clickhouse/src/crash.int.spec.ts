import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { openEventStore } from './event-store.ts';
import { BATCH_RECORDS } from './testing/batches.ts';

const CHILD = fileURLToPath(new URL('store-child.fixture.ts', import.meta.url));
const BATCHES = 40;

/** Runs the child until it has stored `kills` more batches, then kills it in the midst of the next. */
async function runUntilKilled(folder: string, kills: number): Promise<number> {
  const child = spawn(process.execPath, ['--import', 'tsx', CHILD, folder, String(BATCHES)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  let stored = -1;
  let seen = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    if (!line.startsWith('stored')) continue;
    stored = Number(line.slice('stored '.length));
    seen += 1;
    // The next insert has begun by the time this line is read.
    if (seen === kills) child.kill('SIGKILL');
  }
  await exited;
  return stored;
}

describe('the engine in process, killed in the midst of inserts', () => {
  it(
    'has every cut that was acknowledged, and each of them once',
    { timeout: 300_000 },
    async () => {
      const folder = mkdtempSync(join(tmpdir(), 'countersign-crash-'));
      let acknowledged = -1;
      for (const kills of [3, 1, 7, 5]) acknowledged = await runUntilKilled(folder, kills);
      const store = await openEventStore({ logId: 'crash', folder });
      expect((await store.archived()).sequence).toBeGreaterThanOrEqual(acknowledged);
      await store.close();
      expect(await runUntilKilled(folder, Infinity)).toBe(BATCHES - 1);

      const whole = await openEventStore({ logId: 'crash', folder });
      const { rows } = await whole.sql(
        'acme',
        `SELECT (SELECT count() FROM events), (SELECT uniqExact(leaf) FROM events), (SELECT count() FROM openings),
        (SELECT sum(payments) FROM spend_by_day), (SELECT sum(payments) FROM spend_by_reason), (SELECT count() FROM cuts)`,
      );
      const all = BATCHES * BATCH_RECORDS;
      expect(rows[0]?.map(Number)).toEqual([all, all, all, all, all, BATCHES]);
      await whole.close();
      rmSync(folder, { recursive: true, force: true });
    },
  );

  it('ends at once when the process exits in the midst of an insert', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'countersign-crash-'));
    for (const exitsAt of ['1', '2', '3']) {
      const args = ['--import', 'tsx', CHILD, folder, String(BATCHES), exitsAt];
      const child = spawn(process.execPath, args, { stdio: 'ignore' });
      expect(await once(child, 'exit')).toEqual([null, 'SIGKILL']);
    }
    const store = await openEventStore({ logId: 'crash', folder });
    expect((await store.archived()).sequence).toBeGreaterThanOrEqual(0);
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);
});
