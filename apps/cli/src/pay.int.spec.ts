import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startScriptedCountersign } from '@countersign/sdk/testing/scripted-countersign';
import { asking, sold, startScriptedSeller } from '@countersign/sdk/testing/scripted-seller';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Desk, startDesk } from './testing/desk.ts';

let desk: Desk;
let countersign: Awaited<ReturnType<typeof startScriptedCountersign>>;
let seller: Awaited<ReturnType<typeof startScriptedSeller>>;

beforeEach(async () => {
  desk = await startDesk({});
  countersign = await startScriptedCountersign();
  seller = await startScriptedSeller(({ url, payment, method, body }) =>
    payment || url === '/free' ? sold(`${method} ${body}\u001b[2J`) : asking('http://x'),
  );
});

afterEach(async () => {
  await seller[Symbol.asyncDispose]();
  await countersign[Symbol.asyncDispose]();
  await desk[Symbol.asyncDispose]();
});

describe('pay', () => {
  it('pays and tells what happened', async () => {
    const { code, out } = await desk.run(
      `pay ${seller.url}/search --data 'a question' --purpose why --url ${countersign.url}`,
    );
    expect(code).toBe(0);
    expect(out).toMatch(/amount +0\.02 USDC/);
    expect(out).toMatch(/delivered +yes/);
    expect(out).toContain('POST a question\\u{1b}[2J');
  });

  it('says when nothing was asked', async () => {
    const { out } = await desk.run(`pay ${seller.url}/free --url ${countersign.url}`);
    expect(out).toContain('The seller asked for no payment.');
  });

  it('tells why not, and never prints a signature', async () => {
    countersign.script = 'denied';
    expect(await desk.run(`pay ${seller.url}/report --url ${countersign.url}`)).toMatchObject({
      code: 1,
      out: expect.stringMatching(/instead +Use \/cheap\./),
      err: 'error: Policy denied the payment of 0.02 USDC (budget_exceeded). Instead: Use /cheap. (budget_exceeded)',
    });
    countersign.script = 'sign';
    const { out } = await desk.run(`pay ${seller.url}/other --json --url ${countersign.url}`);
    const [payment] = countersign.payments().slice(-1);
    expect(JSON.parse(out)).toMatchObject({ status: 200, payment: { id: payment?.id } });
    expect(out).not.toContain(payment?.signature);
  });

  it('waits for people as long as it is told', async () => {
    countersign.script = { clearedAfterMs: 50 };
    const { code } = await desk.run(`pay ${seller.url}/report --wait 5 --url ${countersign.url}`);
    expect(code).toBe(0);
  });
});

describe('the command as a process', () => {
  const main = fileURLToPath(new URL('./main.ts', import.meta.url));
  const node = (args: readonly string[], env: Record<string, string>) =>
    promisify(execFile)(process.execPath, ['--import', 'tsx', main, ...args], {
      env,
    });

  it('reads its environment, pays, and ends by itself', { timeout: 20_000 }, async () => {
    const file = join(desk.folder, 'agent.credential');
    await writeFile(file, 'agent-credential\n');
    const { stdout, stderr } = await node(['pay', `${seller.url}/report`], {
      COUNTERSIGN_URL: countersign.url,
      COUNTERSIGN_CREDENTIAL_FILE: file,
    });
    expect(stdout).toMatch(/amount +0\.02 USDC/);
    expect(stdout).not.toContain('\u001b');
    expect(stderr).toBe('');
  });

  it('has an exit code', { timeout: 20_000 }, async () => {
    await expect(node(['frobnicate'], {})).rejects.toMatchObject({ code: 2 });
    await expect(node(['heads', '--credential-file', '/nowhere'], {})).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('(unauthenticated)'),
    });
  });
});
