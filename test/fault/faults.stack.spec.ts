import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));
const MAX_MS = 1_200_000;

it('keeps every invariant while processes and servers fail', { timeout: MAX_MS }, () => {
  const args = ['--import', 'tsx', MAIN, '--faults', '20', '--seed', '1'];
  const told = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: MAX_MS });
  expect(told.stdout, told.stderr).toContain('every invariant held');
  expect(told.status).toBe(0);
});
