import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { evmChain } from '@countersign/adapter-evm';
import type { PaymentView } from '@countersign/contracts';
import { CountersignClient, governedFetch } from '@countersign/sdk';
import { silentLog } from '@countersign/service-kit';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Chain, SANDBOX_NETWORK, startChain } from '../../apps/sandbox/src/chain.ts';
import { type Facilitator, startFacilitator } from '../../apps/sandbox/src/facilitator.ts';
import { type Seller, startSeller } from '../../apps/sandbox/src/seller.ts';
import { TOKEN_ADDRESS } from '../../apps/sandbox/src/token.ts';
import { type Standalone, startStandalone } from '../../apps/standalone/src/compose.ts';
import { readSettings } from '../../apps/standalone/src/config.ts';
import { autonomous } from './policies.ts';

/** A smart account among the stock packages: facilitator and seller are x402's own, the chain is anvil. */
const PAY_TO = '0x1111111111111111111111111111111111111111';
const PRICE_ATOMIC = 20_000n;
const WITHIN = { timeout: 30_000, interval: 100 };

let folder: string;
let chain: Chain;
let facilitator: Facilitator;
let seller: Seller;
let standalone: Standalone;
let owner: CountersignClient;
let agent: CountersignClient;
let account: `0x${string}`;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-accounts-'));
  chain = await startChain();
  facilitator = await startFacilitator({ chain });
  seller = await startSeller({
    facilitatorUrl: facilitator.url,
    routes: ['/report', '/later', '/last'].map((path) => ({
      ...{ method: 'GET', path, price: { amountAtomic: PRICE_ATOMIC }, payTo: PAY_TO },
      ...{ description: 'a report', maxTimeoutSeconds: 60 },
      handler: (_request, response) => void response.json({ report: 'sold' }),
    })),
  });
  await start();
  await setUp();
}, 60_000);

afterAll(async () => {
  await standalone.close();
  await seller.stop();
  await facilitator.stop();
  await chain.stop();
  rmSync(folder, { recursive: true });
});

/** A file with the key of one of the chain's rich accounts. */
function gasKeyFile(index: number): string {
  const key = chain.gasAccounts[index]?.getHdKey().privateKey;
  if (!key) throw new Error('the sandbox chain has no such gas account');
  const file = join(folder, `gas-${index}.key`);
  writeFileSync(file, Buffer.from(key).toString('hex'), { mode: 0o600 });
  return file;
}

async function start(): Promise<void> {
  const settings = readSettings({
    COUNTERSIGN_DATA_DIR: join(folder, 'countersign'),
    COUNTERSIGN_PORT: '0',
    COUNTERSIGN_CHAINS: `${SANDBOX_NETWORK}=${chain.rpcUrl}`,
    COUNTERSIGN_GAS_KEY_FILE: gasKeyFile(1),
    COUNTERSIGN_POLL_MS: '100',
  });
  const fatal = (error: unknown) => {
    throw error;
  };
  standalone = await startStandalone(settings, silentLog, fatal);
  owner = clientOf(readFileSync(standalone.ownerCredentialFile, 'utf8').trim());
}

function clientOf(credential: string): CountersignClient {
  return new CountersignClient({ baseUrl: standalone.url, credential });
}

let agentCredential: string;

async function setUp(): Promise<void> {
  const wallet = { wallet: 'smart', kind: 'erc1271-p256' } as const;
  account = (await owner.call('requestWallet', { body: wallet })).address as typeof account;
  const body = { agent: 'smart-1', wallet: 'smart' };
  agentCredential = (await owner.call('addAgent', { body })).credential;
  agent = clientOf(agentCredential);
  await owner.call('registerSeller', {
    params: { seller: 'reports' },
    body: {
      domain: new URL(seller.url).host,
      payTo: [{ network: SANDBOX_NETWORK, address: PAY_TO }],
      ...{ trust: 'known', category: 'data', jurisdiction: 'DE', takes: 'any', routes: [] },
    },
  });
  const { version } = await owner.call('putPolicy', { body: { text: autonomous() } });
  await owner.call('activatePolicy', { params: { version: String(version) } });
  await accountWhen({ keyVersion: 1, rotating: false, state: 'ready' });
  await chain.fund(account, 5_000_000n);
}

const accountNow = async () => {
  const view = await owner.call('readWallet', { params: { wallet: 'smart' } });
  const { keyVersion, rotating, networks = [] } = view.account ?? {};
  return { keyVersion, rotating, state: networks[0]?.state };
};
const accountWhen = (expected: Awaited<ReturnType<typeof accountNow>>) =>
  vi.waitFor(async () => expect(await accountNow()).toEqual(expected), WITHIN);
const statusOf = async ({ id }: PaymentView) => (await owner.readPayment(id)).status;

/** The stock wrapper with our scheme in it: asks, pays, reports delivery. */
async function buy(path: string): Promise<unknown> {
  const response = await governedFetch({ client: agent })(`${seller.url}${path}`);
  expect(response.status).toBe(200);
  return response.json();
}

/** A payment whose authorization is out, and that nobody has presented. */
async function outstanding(path: string): Promise<PaymentView> {
  const quote = {
    ...{ scheme: 'exact', network: SANDBOX_NETWORK, asset: TOKEN_ADDRESS.toLowerCase() },
    ...{ amount: PRICE_ATOMIC.toString(), payTo: PAY_TO, maxTimeoutSeconds: 60 },
  };
  const resource = { method: 'GET' as const, url: `${seller.url}${path}` };
  const payment = await agent.call('proposePayment', { body: { quote, resource } });
  expect(payment.status).toBe('signed');
  return payment;
}

/** Tries to use an authorization, as whoever got hold of it could. */
function use({ authorization, signature }: PaymentView): Promise<string> {
  if (!authorization || signature === undefined) throw new Error('nothing is authorized');
  const { rpcUrl } = chain;
  const whoever = evmChain({ network: SANDBOX_NETWORK, rpcUrl, gasKeyFile: gasKeyFile(3) });
  return whoever.submitTransfer({
    ...authorization,
    value: BigInt(authorization.value),
    signature,
  });
}

describe('a smart account on a chain', { timeout: 90_000 }, () => {
  it('pays a stock seller through the stock facilitator, once', async () => {
    expect(await buy('/report')).toEqual({ report: 'sold' });
    expect(await chain.transfersFrom(account)).toMatchObject([
      { to: PAY_TO, amountAtomic: PRICE_ATOMIC },
    ]);
  });

  it('has its authorizations canceled on the chain when its agent is stopped', async () => {
    const payment = await outstanding('/later');
    await owner.call('freezeAgent', { params: { agent: 'smart-1' }, body: {} });
    await expect.poll(() => statusOf(payment), WITHIN).toBe('canceled');
    await expect(use(payment)).rejects.toThrow(/used or canceled/);
    await owner.call('unfreezeAgent', { params: { agent: 'smart-1' } });
  });

  it('goes to a new key with a payment outstanding and a restart in between, and pays on', async () => {
    const payment = await outstanding('/later');
    await owner.call('rotateWallet', { params: { wallet: 'smart' } });
    await standalone.close();
    await start();
    agent = clientOf(agentCredential);
    await accountWhen({ keyVersion: 2, rotating: false, state: 'ready' });
    expect(await statusOf(payment)).toBe('canceled');
    await expect(use(payment)).rejects.toThrow(/used or canceled/);
    expect(await buy('/last')).toEqual({ report: 'sold' });
    expect(await chain.transfersFrom(account)).toHaveLength(2);
  });
});
