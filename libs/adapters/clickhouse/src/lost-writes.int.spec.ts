import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { openEventStore } from './event-store.ts';
import { BATCH_RECORDS } from './testing/batches.ts';

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

it(
  'empties itself when the engine did not write what it took, and holds everything once it is filled again',
  { timeout: 300_000 },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'countersign-lost-'));
    for (const lines of [2, 5, 9]) await saidBy(folder, Infinity, lines);
    const said = await saidBy(folder, EMPTIES);
    expect(said.filter((line) => line === 'emptied')).toHaveLength(EMPTIES);

    const whole = await openEventStore({ logId: 'lost', folder });
    const { rows } = await whole.sql(
      'acme',
      `SELECT (SELECT count() FROM events), (SELECT uniqExact(leaf) FROM events), (SELECT count() FROM openings WHERE value != ''),
       (SELECT sum(payments) FROM spend_by_day), (SELECT sum(payments) FROM spend_by_reason), (SELECT count() FROM cuts)`,
    );
    const all = BATCHES * BATCH_RECORDS;
    expect(rows[0]?.map(Number)).toEqual([all, all, all, all, all, BATCHES]);
    await whole.close();
    rmSync(folder, { recursive: true, force: true });
  },
);
