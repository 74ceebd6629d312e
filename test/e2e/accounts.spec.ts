import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { smartAccounts } from '@countersign/adapter-evm/account';
import type { PaymentView, Problem } from '@countersign/contracts';
import { walletKeyName } from '@countersign/signing';
import { NETWORK, PAYEE, USDC } from '@countersign/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { autonomous, collaborative } from './policies.ts';
import type { Answer } from './rig.ts';
import { World } from './world.ts';

const OWNER = { tenant: 'default', person: 'owner' };
const KEY_ONLY = `0x${'c3'.repeat(20)}`;

interface WalletAnswer {
  readonly address: string;
  readonly frozen: boolean;
  readonly account: {
    readonly keyVersion: number;
    readonly rotating: boolean;
    readonly networks: readonly { readonly network: string; readonly state: string }[];
  };
}

let folder: string;
let world: World;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-accounts-'));
  world = await World.create(join(folder, 'store.db'));
  await world.usePolicy(autonomous());
});
afterEach(async () => {
  await world.stop();
  rmSync(folder, { recursive: true });
});

const problem = (answer: Answer<unknown>) => answer.body as Problem;
const wallet = async () =>
  (await world.call<WalletAnswer>('owner', 'GET', '/v1/wallets/smart')).body;
const rotate = (name = 'smart') => world.call('owner', 'POST', `/v1/wallets/${name}/rotate`);

/** An agent with a smart account, and nothing else to pay from, unless a further wallet is named. */
async function account(...further: string[]): Promise<string> {
  const { registry } = world.services;
  const { address } = await registry.requestWallet(OWNER, 'smart', 'erc1271-p256');
  world.chain.mint(USDC, address, 10n ** 15n);
  world.credentials['smart-1'] = (await registry.addAgent(OWNER, 'smart-1', 'smart')).credential;
  for (const name of further) await registry.addAgentWallet(OWNER, 'smart-1', name);
  return address;
}

async function deployed(...further: string[]): Promise<string> {
  const address = await account(...further);
  await world.pass(10_000);
  expect((await wallet()).account.networks).toEqual([{ network: NETWORK, state: 'ready' }]);
  return address;
}

const pay = (url = 'https://api.example.com/v1/embed', payTo = PAYEE) =>
  world.propose({ url, quote: { payTo } }, { who: 'smart-1' });

async function settled(answer: Answer): Promise<PaymentView> {
  expect(answer.body.status).toBe('signed');
  await world.present(answer.body);
  await world.pass(6_000);
  const payment = await world.read(answer.body.id);
  expect(payment.status).toBe('settled');
  return payment;
}

/** A seller that knows accounts of keys only. */
function registerKeyOnly(): Promise<unknown> {
  return world.services.registry.registerSeller(OWNER, {
    seller: 'oldtimer',
    domain: 'old.example.com',
    payTo: [{ network: NETWORK, address: KEY_ONLY }],
    ...{ trust: 'known', category: 'embedding', jurisdiction: 'DE', takes: 'eoa', routes: [] },
  });
}

describe('a smart account', () => {
  it('pays nothing before it is known for good that it stands', async () => {
    await account();
    const early = await pay();
    expect(early.body).toMatchObject({ status: 'denied', code: 'wallet_not_deployed' });
    expect((await wallet()).account.networks).toEqual([{ network: NETWORK, state: 'deploying' }]);
    expect(world.owners.signed).toEqual([]);
    await world.pass(10_000);
    await settled(await pay());
  });

  it('pays a seller that takes any, with the key that owns it', async () => {
    const address = await deployed();
    const payment = await settled(await pay());
    expect(payment.authorization).toMatchObject({ from: address });
    expect(world.owners.signed.map(({ version }) => version)).toEqual([1]);
  });

  it('goes before the key of an agent that has both, where the seller takes it', async () => {
    await registerKeyOnly();
    const address = await deployed('w1');
    const key = (await world.call<WalletAnswer>('owner', 'GET', '/v1/wallets/w1')).body.address;
    expect((await pay()).body.authorization?.from).toBe(address);
    expect((await pay('https://old.example.com/', KEY_ONLY)).body.authorization?.from).toBe(key);
  });

  it('is refused where the seller takes none, and the agent has nothing else', async () => {
    await registerKeyOnly();
    await deployed();
    const answer = await pay('https://old.example.com/', KEY_ONLY);
    expect(answer.body).toMatchObject({ status: 'denied', code: 'wallet_kind_not_taken' });
  });

  it('leaves the payment to the key until it stands', async () => {
    await account('w1');
    const key = (await world.call<WalletAnswer>('owner', 'GET', '/v1/wallets/w1')).body.address;
    expect((await pay()).body.authorization?.from).toBe(key);
  });

  it('is one to an agent, and so is the key', async () => {
    await account('w1');
    await world.services.registry.requestWallet(OWNER, 'other', 'erc1271-p256');
    const add = (name: string) =>
      world.call('owner', 'POST', '/v1/agents/smart-1/wallets', { body: { wallet: name } });
    expect(problem(await add('other')).code).toBe('wallet_kind_taken');
    expect(problem(await add('nothing')).code).toBe('wallet_unknown');
  });

  it('cancels what was signed when everything is stopped', async () => {
    await deployed();
    const { body } = await pay();
    await world.call('owner', 'POST', '/v1/agents/smart-1/freeze', { body: {} });
    await world.pass(6_000);
    expect((await world.read(body.id)).status).toBe('canceled');
  });

  it('moves to the treasury by the wallet that is named', async () => {
    const address = await deployed('w1');
    const to = '0x7ea5000000000000000000000000000000007ea5';
    const body = { network: NETWORK, asset: USDC, amount: '5000000', to };
    const url = '/v1/wallets/smart/withdrawals';
    const answer = await world.call('owner', 'POST', url, { body });
    expect(answer.body.authorization).toMatchObject({ from: address, to });
    await world.pass(6_000);
    expect((await world.read(answer.body.id)).status).toBe('settled');
  });
});

describe('an account that somebody else gave to a key of their own', () => {
  it('freezes its wallet', async () => {
    const account = await deployed();
    const newOwner = await world.owners.make('thief', 1);
    const rotation = { account, chainId: 84_532, newOwner, rotation: 0 };
    const digest = smartAccounts.rotationDigest(rotation);
    const signature = await world.owners.sign(walletKeyName('default', 'smart'), 1, digest);
    const acceptance = await world.owners.sign('thief', 1, digest);
    await world.chain.accounts.rotate({ account, newOwner, signature, acceptance });
    await world.pass(90_000);
    expect(await wallet()).toMatchObject({ frozen: true });
    expect((await pay()).body).toMatchObject({ status: 'denied' });
  });

  it('before anybody recorded that it stands freezes its wallet too, and is recorded once', async () => {
    const { accounts } = world.chain;
    const read = accounts.read.bind(accounts);
    accounts.read = async (address, tag) => {
      const { at, account: found } = await read(address, tag);
      return { at, account: found && { ...found, owner: `0x${'7'.repeat(128)}` } };
    };
    await account();
    await world.pass(20_000);
    expect(await wallet()).toMatchObject({ frozen: true });
    expect((await wallet()).account.networks).not.toContainEqual({
      network: NETWORK,
      state: 'ready',
    });
    const end = await world.log.end('control');
    await world.pass(30_000);
    expect(await world.log.end('control')).toBe(end);
  });
});

describe('a rotation', () => {
  it('stops, cancels what is out, changes the owner for good, and pays on with the new key', async () => {
    await deployed();
    const { body: outstanding } = await pay();
    expect(outstanding.status).toBe('signed');
    expect((await rotate()).status).toBe(200);
    expect(await world.read(outstanding.id)).toMatchObject({ stop: 'rotated', final: false });
    const during = await pay('https://api.example.com/v1/during');
    expect(during.body).toMatchObject({ status: 'denied', code: 'wallet_rotating' });

    await world.pass(20_000);
    expect((await world.read(outstanding.id)).status).toBe('canceled');
    expect((await wallet()).account).toMatchObject({
      keyVersion: 2,
      rotating: false,
      networks: [{ network: NETWORK, state: 'ready' }],
    });
    world.owners.signed.length = 0;
    await settled(await pay('https://api.example.com/v1/after'));
    expect(world.owners.signed.map(({ version }) => version)).toEqual([2]);
  });

  it('hands nothing over while an authorization may still be used', async () => {
    await deployed();
    const { body } = await pay();
    // The cancellation does not reach the chain, so only its validity can end the authorization.
    const relay = world.chain.submitCancellation.bind(world.chain);
    world.chain.submitCancellation = async () => `0x${'0'.repeat(64)}`;
    await rotate();
    await world.pass(30_000);
    expect((await world.read(body.id)).final).toBe(false);
    expect((await wallet()).account).toMatchObject({ keyVersion: 1, rotating: true });
    world.chain.submitCancellation = relay;
    await world.present(body);
    await world.pass(50_000);
    expect((await world.read(body.id)).final).toBe(true);
    expect((await wallet()).account).toMatchObject({ keyVersion: 2, rotating: false });
  });

  it('goes on wherever the process was killed', async () => {
    await deployed();
    await pay();
    await rotate();
    for (let kill = 0; kill < 12; kill += 1) {
      await world.stop();
      await world.start();
      await world.pass(1_000);
    }
    await world.pass(15_000);
    expect((await wallet()).account).toMatchObject({ keyVersion: 2, rotating: false });
    await settled(await pay('https://api.example.com/v1/after'));
  });

  it('survives a reorganisation that takes the new owner back', async () => {
    const address = await deployed();
    await rotate();
    await world.pass(1_000);
    world.chain.reorg(1);
    await world.pass(30_000);
    expect((await wallet()).account).toMatchObject({ keyVersion: 2, rotating: false });
    const reading = await world.chain.accounts.read(address, 'finalized');
    expect(reading.account?.rotations).toBe(1);
  });

  it('can follow another, once that is over', async () => {
    await deployed();
    await rotate();
    expect(problem(await rotate()).code).toBe('wallet_rotating');
    await world.pass(15_000);
    await rotate();
    await world.pass(15_000);
    expect((await wallet()).account).toMatchObject({ keyVersion: 3, rotating: false });
    await settled(await pay());
  });

  it('does not sign what people cleared before it with the old key', async () => {
    await deployed();
    await world.usePolicy(collaborative());
    const { body } = await pay();
    for (const person of ['ada', 'bo'])
      await world.call(person, 'POST', `/v1/approvals/${body.id}/grant`, {
        body: { quoteDigest: body.quoteDigest, decisionId: body.approval?.decisionId },
      });
    await rotate();
    const claimed = (await pay()).body;
    expect(claimed).toMatchObject({ id: body.id, status: 'denied', code: 'wallet_rotating' });
    expect(claimed.authorization).toBeUndefined();
  });

  it('is nothing for the account of a key, which moves by a withdrawal to a new wallet', async () => {
    expect(problem(await rotate('w1'))).toMatchObject({ code: 'wallet_kind_wrong' });
    expect(problem(await rotate('nothing')).code).toBe('wallet_unknown');
    await account();
    expect(problem(await rotate()).code).toBe('wallet_not_deployed');
  });
});
