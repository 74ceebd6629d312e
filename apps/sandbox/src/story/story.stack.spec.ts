import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));
const MAX_MS = 600_000;

it(
  'tells the whole story on Kafka, Redis and Vault, every service a process of its own',
  { timeout: MAX_MS },
  () => {
    const args = ['--import', 'tsx', MAIN, '--stack', '--once'];
    const told = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: MAX_MS });
    expect(told.stdout, told.stderr).toContain('Every line ended as it should');
    expect(told.status).toBe(0);
  },
);
