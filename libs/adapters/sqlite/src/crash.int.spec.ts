import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { SetClock } from '@countersign/ports/suites';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openStore } from './store.ts';
import { freshPath } from './store-under-test.ts';

const BOOK = { tenant: 'acme', epoch: 0 };

const CHILD = fileURLToPath(new URL('./store-child.fixture.ts', import.meta.url));
const clock = new SetClock();

/** Runs the child until it has printed `killAfter` lines, or ends by itself; returns all the lines it printed. */
async function run(command: string, args: readonly string[], killAfter: number) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let printed = '';
  child.stdout.setEncoding('utf8');
  child.stdout.on('data', (text: string) => {
    printed += text;
    if (printed.split('\n').length > killAfter) child.kill('SIGKILL');
  });
  await new Promise((resolve) => child.once('close', resolve));
  return printed.split('\n').slice(0, -1);
}

/** Opens what a child left and demands that every acknowledged line is there, and nothing by halves. */
async function expectAllThere(path: string, acknowledged: readonly string[]): Promise<void> {
  const store = openStore({ path, laneCount: 2, clock, logId: 'kill-test' });
  const held = new Set((await store.budgets.open(BOOK)).map((it) => it.paymentId));
  const recorded = new Map<string, string>();
  for (const lane of ['0', '1']) {
    const records = await store.log.read(lane, 0, 1_000_000);
    expect(records).toHaveLength(await store.log.end(lane));
    for (const { offset, bytes } of records)
      recorded.set(`${lane} ${offset}`, new TextDecoder().decode(bytes).split(' ')[0] ?? '');
  }
  for (const line of acknowledged) {
    const [lane, offset, paymentId = ''] = line.split(' ');
    expect(recorded.get(`${lane} ${offset}`)).toBe(paymentId);
  }
  // The reservation was queued before the record, so a record without it would be a torn group.
  for (const paymentId of recorded.values()) expect(held.has(paymentId)).toBe(true);
  const [counter] = await store.budgets.read(BOOK, [
    { id: 'l', scope: 'agent:a', window: { kind: 'lifetime' } },
  ]);
  expect(counter).toMatchObject({ open: String(held.size), openCount: held.size });
  await store.close();
}

describe('a process that ends without a word', { timeout: 120_000 }, () => {
  let place: ReturnType<typeof freshPath>;
  beforeEach(() => {
    place = freshPath();
  });
  afterEach(() => {
    place.remove();
  });

  it('leaves everything it acknowledged, and no counter without its record', async () => {
    const acknowledged: string[] = [];
    for (const killAfter of [1, 40, 333, 1_500]) {
      acknowledged.push(...(await run(process.execPath, [CHILD, place.path, '700'], killAfter)));
      await expectAllThere(place.path, acknowledged);
    }
    expect(acknowledged.length).toBeGreaterThanOrEqual(1_874);
  });

  it('leaves everything it acknowledged before the disk was full, and then refused', async () => {
    const limited = `ulimit -f 6000; exec "$0" "$@"`;
    const args = ['-c', limited, process.execPath, CHILD, place.path, '20000'];
    const lines = await run('bash', args, Infinity);
    expect(lines.at(-1)).toBe('fault log_unavailable log_unavailable');
    expect(lines.length).toBeGreaterThan(20);
    await expectAllThere(place.path, lines.slice(0, -1));
  });

  it('keeps the file to itself while it lives', async () => {
    const store = openStore({ path: place.path, laneCount: 2, clock, logId: 'kill-test' });
    const open = `import { openStore } from ${JSON.stringify(new URL('./store.ts', import.meta.url).href)};
      const clock = { nowMs: () => 1, monotonicMs: () => 1 };
      try { openStore({ path: process.argv[1], laneCount: 2, clock }); console.log('opened'); }
      catch (error) { console.log(error.code); }`;
    const args = ['--input-type=module', '-e', open, place.path];
    expect(await run(process.execPath, args, Infinity)).toEqual(['store_locked']);
    expect(() => openStore({ path: place.path, laneCount: 2, clock })).toThrow(
      expect.objectContaining({ code: 'store_locked' }),
    );
    expect(await store.log.append([])).toEqual([]);
    await store.close();
    expect(await run(process.execPath, args, Infinity)).toEqual(['opened']);
  });
});
