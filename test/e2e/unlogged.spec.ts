import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeEvent } from '@countersign/contracts';
import { Fault } from '@countersign/kernel';
import { CONTROL } from '@countersign/ports';
import { signStatement } from '@countersign/service-kit';
import { NETWORK, PAYEE, USDC } from '@countersign/testkit';
import { walletKeyName } from '@countersign/signing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { autonomous } from './policies.ts';
import { World, statementKey } from './world.ts';

let world: World;
let folder: string;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-unlogged-'));
  world = await World.create(join(folder, 'log.db'));
  await world.usePolicy(autonomous());
});
afterEach(async () => {
  await world.stop();
  rmSync(folder, { recursive: true });
});

const url = (path: string) => `https://api.example.com/${path}`;
const wallet = async () =>
  (await world.call<{ address: string; frozen: boolean }>('owner', 'GET', '/v1/wallets/w1')).body;
const titles = () => world.told.map((it) => it.title);
async function steal(): Promise<void> {
  const { address: from } = await wallet();
  await world.chain.submitPlain({ token: USDC, from, to: PAYEE, value: 7n });
  await world.pass(3_000);
}

describe('money that leaves a wallet without a record', () => {
  it('freezes the wallet, tells people once, and a person lifts it', async () => {
    const out = await world.propose({ url: url('out') });
    await steal();
    expect(await wallet()).toMatchObject({ frozen: true });
    expect(titles()).toContain('Wallet frozen: what it signed or paid is in no record');
    expect((await world.propose({ url: url('later') })).body).toMatchObject({ status: 'denied' });
    const stopped = await world.read(out.body.id);
    expect(['canceled', 'signed']).toContain(stopped.status);
    expect(stopped.stop).toBe('frozen');

    const lift = () => world.call('owner', 'POST', '/v1/wallets/w1/unfreeze');
    expect((await lift()).status).toBe(200);
    expect((await lift()).status).toBe(409);
    await world.pass(5_000);
    expect(await wallet()).toMatchObject({ frozen: false });
    expect((await world.propose({ url: url('again') })).body).toMatchObject({ status: 'signed' });
    expect(titles().filter((it) => it.startsWith('Wallet frozen'))).toHaveLength(1);
  });

  it('is not the payments that are recorded, over a restart too', async () => {
    for (const path of ['a', 'b', 'c']) {
      const paid = await world.propose({ url: url(path) });
      await world.present(paid.body);
      await world.pass(2_000);
    }
    await world.stop();
    await world.start();
    await world.pass(10_000);
    expect(await wallet()).toMatchObject({ frozen: false });
    expect((await world.propose({ url: url('d') })).body).toMatchObject({ status: 'signed' });
  });
});

describe('a position past the end of the chain, by a stolen key of settlement', () => {
  it('hides nothing, and nothing is signed by it', async () => {
    const key = statementKey('settlement');
    const through = { number: 2 ** 40, hash: `0x${'c'.repeat(64)}`, timeMs: world.time.nowMs };
    const forged = { network: NETWORK, through };
    const data = await signStatement(key, 'outflows.scanned', forged, 'forged');
    const { bytes } = encodeEvent('outflows.scanned', data, 'forged');
    await world.log.append([{ lane: CONTROL, key: 'outflows.scanned', bytes }]);
    await world.stop();
    await world.start();
    const proposed = world.propose({ url: url('unsigned') });
    await steal();
    expect(await wallet()).toMatchObject({ frozen: true });
    await world.pass(60_000);
    expect((await proposed).body.status).not.toBe('signed');
  });
});

describe('a wallet that nobody watched for days', () => {
  it('is looked at in steps, each of them kept, until it is up to date', async () => {
    const { address: from } = await wallet();
    await world.stop();
    const { chain } = world;
    const start = (await chain.head('latest')).number;
    const mine = (blocks: number) => {
      for (let block = 0; block < blocks; block += 1) chain.mine(0);
    };
    mine(12_000);
    await chain.submitPlain({ token: USDC, from, to: PAYEE, value: 7n });
    mine(23_000);
    const outflows = chain.outflows.bind(chain);
    const looks: number[] = [];
    let fails = 0;
    // A node that takes too long over more, and now and then over less.
    chain.outflows = async (scan) => {
      const { number } = await chain.head('latest');
      const blocks = Math.min(scan.toBlock ?? number, number) - scan.fromBlock;
      if (scan.fromBlock > start + 9_000) fails += 1;
      if (blocks > 11_000 || fails === 2)
        throw new Fault('chain_unavailable', 'it took too long', { retryable: true });
      looks.push(scan.fromBlock);
      return outflows(scan);
    };
    world.time.moveTo((await chain.head('latest')).timeMs);
    await world.start();
    await world.pass(5_000);
    expect(await wallet()).toMatchObject({ frozen: true });
    expect(looks.at(-1)! > start + 30_000).toBe(true);
    expect(looks.filter((block) => block < start + 5_000)).toHaveLength(1);
    await world.call('owner', 'POST', '/v1/wallets/w1/unfreeze');
    await world.pass(5_000);
    expect((await world.propose({ url: url('back') })).body).toMatchObject({ status: 'signed' });
  });
});

describe('an authorization whose time ran out', () => {
  it('is renewed when its agent comes back, and moves money once', async () => {
    const first = (await world.propose({ url: url('slow') })).body;
    await world.pass(58_000);
    const again = (await world.propose({ url: url('slow') })).body;
    expect(again).toMatchObject({ id: first.id, status: 'signed' });
    const { validBefore: until, ...terms } = first.authorization!;
    expect(again.authorization).toMatchObject(terms);
    expect(again.authorization!.validBefore).toBeGreaterThan(until);
    expect(again.signature).not.toBe(first.signature);
    await world.present(first);
    await world.present(again);
    await world.pass(5_000);
    expect(await world.chain.balance(USDC, PAYEE)).toBe(BigInt(first.quote.amount));
    expect(await world.read(first.id)).toMatchObject({ status: 'settled' });
    expect(await wallet()).toMatchObject({ frozen: false });
  });

  it('may be delivered while its renewal is being signed', async () => {
    const first = (await world.propose({ url: url('slow') })).body;
    world.wallets.revoked.add(walletKeyName('default', 'w1'));
    await world.pass(58_000);
    const retry = world.propose({ url: url('slow') });
    await world.settle();
    expect(await world.read(first.id)).toMatchObject({ status: 'signing' });

    const body = { status: 200 };
    const report = await world.call('research-1', 'POST', `/v1/payments/${first.id}/delivery`, {
      body,
    });

    expect(report.status).toBe(200);
    world.wallets.revoked.clear();
    await world.pass(15_000);
    expect((await retry).body).toMatchObject({ id: first.id, delivered: true });
    const next = (await world.propose({ url: url('slow') })).body;
    expect(next.id).not.toBe(first.id);
  });
});

describe('a log that came back as an older copy of itself', () => {
  /** @param loseJournal whether the signer's journal goes back with the log. */
  async function loseWhatIsPaidNow(loseJournal = false): Promise<void> {
    await world.stop();
    copyFileSync(join(folder, 'log.db'), join(folder, 'copy.db'));
    await world.start();
    const lost = await world.propose({ url: url('lost') });
    await world.present(lost.body);
    await world.pass(3_000);
    await world.stop();
    copyFileSync(join(folder, 'copy.db'), join(folder, 'log.db'));
    if (loseJournal) world.forgetJournal();
    await world.start();
    await world.settle();
  }

  it('signs nothing until a person has accepted what was lost, and keeps the wallet frozen', async () => {
    await loseWhatIsPaidNow();
    const waiting = world.propose({ url: url('next') });
    await world.pass(15_000);
    expect((await waiting).body.status).not.toBe('signed');
    const { digest } = (await world.call<{ digest: string }>('owner', 'GET', '/v1/restore')).body;
    expect(digest).toMatch(/^[0-9a-f]{64}$/);
    expect(titles()).toContain('Everything is stopped: the log is an older copy of itself');

    const unfreeze = await world.call('owner', 'POST', '/v1/unfreeze');
    expect(unfreeze.status).toBe(409);
    const accept = (body: object) => world.call('owner', 'POST', '/v1/restore/accept', { body });
    expect((await accept({ digest: '0'.repeat(64) })).status).toBe(404);
    expect((await accept({ digest })).status).toBe(200);
    expect(await wallet()).toMatchObject({ frozen: true });
    expect((await world.propose({ url: url('next') })).body).toMatchObject({ status: 'denied' });

    await world.call('owner', 'POST', '/v1/wallets/w1/unfreeze');
    await world.pass(5_000);
    expect((await world.propose({ url: url('next') })).body).toMatchObject({ status: 'signed' });
  });

  it('does not sign again what it has signed by records that are lost', async () => {
    await loseWhatIsPaidNow();
    const { digest } = (await world.call<{ digest: string }>('owner', 'GET', '/v1/restore')).body;
    await world.call('owner', 'POST', '/v1/restore/accept', { body: { digest } });
    await world.call('owner', 'POST', '/v1/wallets/w1/unfreeze');
    await world.pass(5_000);
    const again = await world.propose({ url: url('lost') });
    expect(again.body).toMatchObject({ status: 'refused', code: 'signed_before' });
  });

  it('is found by the chain where the signer’s journal is lost with it', async () => {
    await loseWhatIsPaidNow(true);
    await world.pass(3_000);
    expect(await wallet()).toMatchObject({ frozen: true });
    expect((await world.propose({ url: url('next') })).body).toMatchObject({ status: 'denied' });
  });

  it('does not sign a spent nonce, which only the chain remembers', async () => {
    await loseWhatIsPaidNow(true);
    await world.pass(3_000);
    await world.call('owner', 'POST', '/v1/wallets/w1/unfreeze');
    await world.pass(5_000);
    const again = await world.propose({ url: url('lost') });
    expect(again.body).toMatchObject({ status: 'refused', code: 'signed_before' });
    expect((await world.propose({ url: url('next') })).body).toMatchObject({ status: 'signed' });
  });
});
