import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { ChangeView, FeedEvent } from '@countersign/contracts';
import { expect, it, onTestFinished } from 'vitest';
import { autonomous } from './policies.ts';

/** Long enough that the process is killed before the change is due, and short enough to wait for. */
const DELAY_S = 5;
const waiting = (perDay: string) =>
  `${autonomous({ perDay })}loosening: { delaySeconds: ${DELAY_S} }\n`;

interface Running {
  readonly child: ChildProcess;
  call<T>(method: string, path: string, body?: object): Promise<T>;
}

/** The program itself, as an operator starts it, over what an earlier one left in the folder. */
async function startProgram(folder: string): Promise<Running> {
  const child = spawn(process.execPath, ['--import', 'tsx', 'apps/standalone/src/main.ts'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    // Nothing else: whoever runs the specs may have settings of their own.
    env: {
      COUNTERSIGN_DATA_DIR: folder,
      COUNTERSIGN_PORT: '0',
      COUNTERSIGN_EVENT_STORE: 'off',
      COUNTERSIGN_LOG_LEVEL: 'warn',
    },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let said = '';
  child.stderr.on('data', (text: Buffer) => (said += text.toString()));
  for await (const line of createInterface(child.stdout)) {
    const { url, ownerCredentialFile } = JSON.parse(line) as Record<string, string>;
    if (url === undefined || ownerCredentialFile === undefined) continue;
    child.stdout.resume();
    const authorization = `Bearer ${readFileSync(ownerCredentialFile, 'utf8').trim()}`;
    return {
      child,
      async call<T>(method: string, path: string, body?: object) {
        const response = await fetch(url + path, {
          method,
          headers: { authorization, ...(body && { 'content-type': 'application/json' }) },
          ...(body && { body: JSON.stringify(body) }),
        });
        expect(response.status).toBeLessThan(300);
        return (await response.json()) as T;
      },
    };
  }
  throw new Error(`it ended before it listened: ${said}`);
}

it('a change that waits is kept when the process is killed, and comes into force after the next start', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-restart-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const first = await startProgram(folder);
  await first.call('POST', '/v1/policies', { text: waiting('1.00') });
  await first.call('POST', '/v1/policies/1/activate');
  await first.call('POST', '/v1/policies', { text: waiting('5.00') });
  const ordered = await first.call<{ active: boolean; scheduled: ChangeView }>(
    'POST',
    '/v1/policies/2/activate',
  );
  expect(ordered.active).toBe(false);
  first.child.kill('SIGKILL');
  await once(first.child, 'exit');

  const second = await startProgram(folder);
  const inForce = async () => {
    const { policies } = await second.call<{ policies: { version: number; active: boolean }[] }>(
      'GET',
      '/v1/policies',
    );
    return policies.find(({ active }) => active)?.version;
  };
  await expect.poll(inForce, { timeout: 30_000 }).toBe(2);
  expect((await second.call<{ changes: unknown[] }>('GET', '/v1/changes')).changes).toEqual([]);
  const { events } = await second.call<{ events: FeedEvent[] }>(
    'GET',
    '/v1/events?after=start&limit=500',
  );
  const activated = events.filter(({ event }) => event === 'policy.activated');
  expect(activated.map(({ data }) => data['version'])).toEqual([1, 2]);
  expect(activated[1]?.atMs).toBeGreaterThanOrEqual(ordered.scheduled.dueAtMs);
}, 60_000);
