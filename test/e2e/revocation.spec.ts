import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PaymentView, Problem } from '@countersign/contracts';
import { walletKeyName } from '@countersign/signing';
import { NETWORK, USDC } from '@countersign/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { autonomous, collaborative } from './policies.ts';
import { REVOKED_KEY_KEPT_MS, World } from './world.ts';

const OWNER = { tenant: 'default', person: 'owner' };
const TREASURY = '0x7ea5000000000000000000000000000000007ea5';

let folder: string;
let world: World;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-revocation-'));
  world = await World.create(join(folder, 'store.db'));
  await world.usePolicy(autonomous());
});
afterEach(async () => {
  await world.stop();
  rmSync(folder, { recursive: true });
});

interface Revoked {
  readonly position: string;
  readonly outstanding: readonly string[];
}
interface Shown {
  readonly revocation?: string;
}

const revoke = (name = 'w1', who = 'owner') =>
  world.call<Revoked>(who, 'POST', `/v1/wallets/${name}/revoke`);
const shown = async (name = 'w1') =>
  (await world.call<Shown>('owner', 'GET', `/v1/wallets/${name}`)).body.revocation;
const isKeyGone = (name = 'w1') => {
  const key = walletKeyName('default', name);
  return world.wallets.revoked.has(key) || world.owners.revoked.has(key);
};
const pay = (path = 'v1/embed') => world.propose({ url: `https://api.example.com/${path}` });
const signedSoFar = () => world.wallets.signed.length + world.owners.signed.length;

async function withAccount(): Promise<void> {
  const { registry } = world.services;
  const { address } = await registry.requestWallet(OWNER, 'smart', 'erc1271-p256');
  world.chain.mint(USDC, address, 10n ** 15n);
  world.credentials['smart-1'] = (await registry.addAgent(OWNER, 'smart-1', 'smart')).credential;
  await world.pass(10_000);
}

describe('the revocation of a wallet', () => {
  it('stops at once and for good, cancels what is out, then destroys the key', async () => {
    const { body: outstanding } = await pay();
    expect(outstanding.status).toBe('signed');
    const ordered = await revoke();
    expect(ordered).toMatchObject({ status: 200, body: { outstanding: [outstanding.id] } });
    expect(await world.read(outstanding.id)).toMatchObject({ stop: 'revoked', final: false });
    expect(await shown()).toBe('ordered');
    expect((await pay('v1/during')).body).toMatchObject({
      status: 'denied',
      code: 'wallet_revoked',
    });

    await world.pass(10_000);
    expect((await world.read(outstanding.id)).status).toBe('canceled');
    expect(isKeyGone()).toBe(false);
    await world.pass(REVOKED_KEY_KEPT_MS);
    expect(isKeyGone()).toBe(true);
    expect(await shown()).toBe('done');
    const before = signedSoFar();
    expect((await pay('v1/after')).body).toMatchObject({
      status: 'denied',
      code: 'wallet_revoked',
    });
    expect(signedSoFar()).toBe(before);
  });

  it('keeps the key while an authorization may still be used', async () => {
    const { body } = await pay();
    // The cancellation does not reach the chain, so only its validity can end the authorization.
    const relay = world.chain.submitCancellation.bind(world.chain);
    world.chain.submitCancellation = async () => `0x${'0'.repeat(64)}`;
    await revoke();
    await world.pass(REVOKED_KEY_KEPT_MS + 10_000);
    expect((await world.read(body.id)).final).toBe(false);
    expect(isKeyGone()).toBe(false);
    world.chain.submitCancellation = relay;
    await world.present(body);
    await world.pass(50_000);
    expect((await world.read(body.id)).final).toBe(true);
    expect(isKeyGone()).toBe(true);
  });

  it('of a wallet that signed nothing waits for the signer’s own time', async () => {
    expect((await revoke()).body.outstanding).toEqual([]);
    await world.pass(REVOKED_KEY_KEPT_MS - 2_000);
    expect(isKeyGone()).toBe(false);
    await world.pass(4_000);
    expect(isKeyGone()).toBe(true);
  });

  it('goes on wherever the process was killed', async () => {
    await pay();
    await revoke();
    for (let kill = 0; kill < 12; kill += 1) {
      await world.stop();
      await world.start();
      await world.pass(2_000);
    }
    await world.pass(15_000);
    expect(isKeyGone()).toBe(true);
    expect(await shown()).toBe('done');
  });

  it('is told to people, and ordered once, by an operator', async () => {
    expect((await revoke('w1', 'ada')).status).toBe(403);
    expect((await revoke('nothing')).body as unknown as Problem).toMatchObject({
      code: 'wallet_unknown',
    });
    await revoke();
    expect((await revoke()).body as unknown as Problem).toMatchObject({ code: 'wallet_revoked' });
    await world.pass(1_000);
    const titles = world.told.map(({ title }) => title);
    expect(titles.filter((title) => title.startsWith('Wallet revoked'))).toHaveLength(1);
  });

  it('ends what people cleared and nobody claimed yet', async () => {
    await world.usePolicy(collaborative());
    const { body } = await pay();
    for (const person of ['ada', 'bo'])
      await world.call(person, 'POST', `/v1/approvals/${body.id}/grant`, {
        body: { quoteDigest: body.quoteDigest, decisionId: body.approval?.decisionId },
      });
    await revoke();
    const claimed: PaymentView = (await pay()).body;
    expect(claimed).toMatchObject({ id: body.id, status: 'denied', code: 'wallet_revoked' });
    expect(claimed.authorization).toBeUndefined();
  });

  it('lets nothing be withdrawn', async () => {
    await revoke();
    const body = { network: NETWORK, asset: USDC, amount: '5000000', to: TREASURY };
    const answer = await world.call('owner', 'POST', '/v1/wallets/w1/withdrawals', { body });
    expect(answer.body).toMatchObject({ status: 'denied', code: 'wallet_revoked' });
  });

  it('leaves room for another wallet, whatever becomes of the old one', async () => {
    await revoke();
    const { registry } = world.services;
    const { address } = await registry.requestWallet(OWNER, 'w2');
    world.chain.mint(USDC, address, 10n ** 15n);
    await registry.addAgentWallet(OWNER, 'research-1', 'w2');
    const { body } = await pay();
    expect(body).toMatchObject({ status: 'signed', authorization: { from: address } });
    await expect(registry.addAgent(OWNER, 'agent-9', 'w1')).rejects.toMatchObject({
      code: 'wallet_revoked',
    });
  });
});

describe('the revocation of a smart account', () => {
  beforeEach(withAccount);
  const payBySmart = () =>
    world.propose({ url: 'https://api.example.com/v1/embed' }, { who: 'smart-1' });

  it('ends its key, in all versions, and a rotation under way', async () => {
    const { body } = await payBySmart();
    await world.call('owner', 'POST', '/v1/wallets/smart/rotate');
    expect((await revoke('smart')).body.outstanding).toEqual([body.id]);
    await world.pass(REVOKED_KEY_KEPT_MS + 10_000);
    expect((await world.read(body.id)).status).toBe('canceled');
    expect(isKeyGone('smart')).toBe(true);
    expect((await payBySmart()).body).toMatchObject({ status: 'denied', code: 'wallet_revoked' });
    const rotate = await world.call('owner', 'POST', '/v1/wallets/smart/rotate');
    expect(rotate.body as unknown as Problem).toMatchObject({ code: 'wallet_revoked' });
  });
});
