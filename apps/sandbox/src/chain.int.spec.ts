import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Address } from 'viem';
import { describe, expect, it } from 'vitest';
import { startChain } from './chain.ts';

const SOMEONE: Address = '0x4444444444444444444444444444444444444444';

/** A folder that goes away with the test. */
function temporaryFolder() {
  const path = mkdtempSync(join(tmpdir(), 'countersign-sandbox-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}

/** Another process that starts a chain, funds {@link SOMEONE} and waits to be killed. */
async function startParent(stateFile: string): Promise<{ parent: ChildProcess; rpcUrl: string }> {
  const program = `
    import { startChain } from ${JSON.stringify(new URL('chain.ts', import.meta.url).href)};
    const chain = await startChain({ stateFile: ${JSON.stringify(stateFile)} });
    await chain.fund(${JSON.stringify(SOMEONE)}, 7n);
    console.log(chain.rpcUrl);`;
  const parent = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [rpcUrl] = (await once(createInterface({ input: parent.stdout }), 'line')) as [string];
  return { parent, rpcUrl };
}

const answers = (rpcUrl: string): Promise<boolean> =>
  fetch(rpcUrl).then(
    () => true,
    () => false,
  );

/** Null until anvil, which closes its port first, has begun to write; throws until it has finished. */
function readState(stateFile: string): unknown {
  return existsSync(stateFile) ? JSON.parse(readFileSync(stateFile, 'utf8') || 'null') : null;
}

describe('a chain', { timeout: 60_000 }, () => {
  it.each(['SIGTERM', 'SIGKILL'] as const)(
    'ends when its parent gets %s, and its state outlives both',
    async (signal) => {
      using folder = temporaryFolder();
      const stateFile = join(folder.path, 'state.json');
      const { parent, rpcUrl } = await startParent(stateFile);
      expect(await answers(rpcUrl)).toBe(true);

      parent.kill(signal);
      await expect.poll(() => answers(rpcUrl), { timeout: 10_000 }).toBe(false);
      await expect.poll(() => readState(stateFile), { timeout: 10_000 }).not.toBeNull();

      await using chain = await startChain({ stateFile });
      expect(await chain.balanceOf(SOMEONE)).toBe(7n);
      await chain.fund(SOMEONE, 1n);
      expect(await chain.balanceOf(SOMEONE)).toBe(8n);
      const nobody = '0x0000000000000000000000000000000000000000';
      expect(await chain.transfersFrom(nobody)).toMatchObject([
        { to: SOMEONE, amountAtomic: 7n },
        { to: SOMEONE, amountAtomic: 1n },
      ]);
    },
  );

  it('keeps the time of the clock on the wall after a restart', async () => {
    using folder = temporaryFolder();
    const stateFile = join(folder.path, 'state.json');
    await (await startChain({ stateFile })).stop();

    await using chain = await startChain({ stateFile });
    const { timestamp } = await chain.client.getBlock();
    expect(Math.abs(Number(timestamp) - Date.now() / 1000)).toBeLessThan(3);
  });

  it('says why it does not start', async () => {
    await using chain = await startChain();
    const port = Number(new URL(chain.rpcUrl).port);
    await expect(startChain({ port })).rejects.toMatchObject({
      code: 'anvil_did_not_start',
      message: expect.stringContaining('in use') as string,
    });
  });
});
