import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, vi } from 'vitest';

const MODULE = fileURLToPath(new URL('../../deploy/local/take-along.mjs', import.meta.url));
/** Starts two processes that never end, ends one of them, and says what their ids are. */
const PARENT = `
  import { spawn } from 'node:child_process';
  import { once } from 'node:events';
  import { takeAlong } from '${MODULE}';
  const forever = () => spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  const [ended, left] = [forever(), forever()];
  takeAlong(ended);
  takeAlong(left);
  ended.kill();
  await once(ended, 'exit');
  console.log(left.pid);
`;

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe('processes that another one takes along', () => {
  it.for(['SIGKILL', 'SIGTERM'] as const)('end when it ends by %s', async (signal) => {
    const parent = spawn(process.execPath, ['--input-type=module', '-e', PARENT], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [said] = (await once(parent.stdout, 'data')) as [Buffer];
    const pid = Number(said.toString());
    expect(isThere(pid)).toBe(true);
    parent.kill(signal);
    await vi.waitFor(() => expect(isThere(pid)).toBe(false), { timeout: 30_000 });
  });
});
