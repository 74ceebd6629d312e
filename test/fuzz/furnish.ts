import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { evmChain } from '@countersign/adapter-evm';
import type { PaymentView } from '@countersign/contracts';
import { CountersignClient } from '@countersign/sdk';
import { type Chain, SANDBOX_NETWORK } from '../../apps/sandbox/src/chain.ts';
import { TOKEN_ADDRESS } from '../../apps/sandbox/src/token.ts';
import type { Place } from '../e2e/right-requests.ts';

const PAYEE = '0x1111111111111111111111111111111111111111';
const TREASURY = '0x7ea5000000000000000000000000000000007ea5';
const TOKEN = TOKEN_ADDRESS.toLowerCase();
const POLL_MS = 200;

/** Three tiers by amount: at once, after a time to veto, and by a person. */
const POLICY = `
format: 1
name: furnished
unit: { name: USD, assets: ['${SANDBOX_NETWORK}/erc20:${TOKEN}'] }
treasury: { '${SANDBOX_NETWORK}': '${TREASURY}' }
authorization: { maxLifetimeSeconds: 600 }
again: false
flags: []
prohibited: []
tiers:
  - { name: everyday, kind: autonomous, when: { amount: { atMost: '1.00' }, trust: any } }
  - name: watched
    kind: supervised
    when: { amount: { atMost: '10.00' }, trust: any }
    vetoWindowSeconds: 3600
    notifyWithinSeconds: 600
    clearanceSeconds: 3600
  - name: people
    kind: collaborative
    when: { amount: { atMost: '100.00' }, trust: any }
    quorum: 1
    approvers: [owner]
    timeoutSeconds: 3600
    clearanceSeconds: 3600
budgets:
  - { id: day, scope: agent, window: { kind: rolling, seconds: 86400 }, atMost: '1000.00' }
`;

interface House {
  readonly url: string;
  /** The owner's credential. */
  readonly owner: string;
  readonly chain: Chain;
  /** Where the key of the one who presents payments is kept. */
  readonly folder: string;
}

/** A place in the house, and the credential of its agent. */
export interface Furnished {
  readonly place: Place;
  readonly credential: string;
}

/**
 * Puts one of everything behind the doors: a policy in force, a wallet with money, an agent with a task, a session, a
 * settled payment and one that waits for a person.
 *
 * @param name in the name of all of it.
 */
export async function furnish(house: House, name: string): Promise<Furnished> {
  const { url: baseUrl } = house;
  const owner = new CountersignClient({ baseUrl, credential: house.owner });
  const names = namesOf(name);
  const policy = await policyIn(owner);
  for (const wallet of [names.wallet, names.doomed.wallet]) {
    const { address } = await owner.call('requestWallet', { body: { wallet } });
    await house.chain.fund(address as `0x${string}`, 1_000_000_000n);
  }
  const { account, agent, doomed, wallet } = names;
  await owner.call('requestWallet', { body: { wallet: account, kind: 'erc1271-p256' } });
  await deployed(owner, account);
  for (const frozen of [doomed.agent, names.frozenAgent])
    await owner.call('addAgent', { body: { agent: frozen, wallet } });
  await owner.call('freezeAgent', { params: { agent: names.frozenAgent }, body: {} });
  for (const seller of [names.seller, doomed.seller]) await register(owner, seller);
  const { credential } = await owner.call('addAgent', { body: { agent, wallet } });
  const client = new CountersignClient({ baseUrl, credential });
  const plan = await tasksAndSessions(owner, client, names);
  const paid = await settled(house, client, names.seller);
  const waiting = await client.call('proposePayment', { body: offer(names.seller, 20_000_000) });
  const place = {
    ...{ ...names, fresh: `${name}-fresh`, otherWallet: account, frozenWallet: wallet, plan },
    ...{ paid, waiting, offer: offer(names.seller, 20_000, '/fresh'), treasury: TREASURY, policy },
    ...{ change: '0'.repeat(64), ignored: '0:0', message: 'none:0', loss: '0'.repeat(64) },
  };
  return { place, credential };
}

const namesOf = (name: string) => ({
  ...{ agent: `${name}-agent`, wallet: `${name}-wallet`, account: `${name}-account` },
  ...{ frozenAgent: `${name}-frozen`, seller: `${name}-seller` },
  ...{ task: `${name}-task`, exploring: `${name}-exploring`, session: `${name}-session` },
  doomed: {
    ...{ agent: `${name}-doomed`, wallet: `${name}-doomed`, seller: `${name}-doomed` },
    ...{ task: `${name}-doomed`, session: `${name}-doomed` },
  },
});
type Names = ReturnType<typeof namesOf>;

/** Waits until the smart account stands. */
async function deployed(owner: CountersignClient, wallet: string): Promise<void> {
  const isReady = async () => {
    const view = await owner.call('readWallet', { params: { wallet } });
    return view.account?.networks.every(({ state }) => state === 'ready');
  };
  while (!(await isReady())) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
}

/** Puts the policy in force, and one more version that waits to be. */
async function policyIn(owner: CountersignClient): Promise<Place['policy']> {
  const put = async () =>
    String((await owner.call('putPolicy', { body: { text: POLICY } })).version);
  await owner.call('activatePolicy', { params: { version: await put() } });
  return { version: await put(), text: POLICY };
}

async function register(owner: CountersignClient, seller: string): Promise<void> {
  await owner.call('registerSeller', {
    params: { seller },
    body: {
      domain: `${seller}.example.com`,
      payTo: [{ network: SANDBOX_NETWORK, address: PAYEE }],
      ...{ trust: 'known', category: 'data', jurisdiction: 'DE', takes: 'any', routes: [] },
    },
  });
}

/** @returns the digest of the plan of the task that explores. */
async function tasksAndSessions(
  owner: CountersignClient,
  client: CountersignClient,
  { agent, task, exploring, session, doomed }: Names,
): Promise<string> {
  const params = { agent };
  const terms = { unit: 'USD', ceiling: '900000000', estimate: '500000000' };
  for (const executing of [task, doomed.task])
    await owner.call('openTask', { params, body: { task: executing, ...terms } });
  const phase = 'exploring' as const;
  await owner.call('openTask', { params, body: { task: exploring, phase, ...terms } });
  for (const open of [session, doomed.session]) {
    const body = { seconds: 86_400, unit: 'USD', ceiling: '900000000' };
    await owner.call('openSession', { params: { agent, session: open }, body });
  }
  const ofTask = { agent, task: exploring };
  const { plan } = await client.call('submitPlan', {
    params: ofTask,
    body: { text: 'one by one' },
  });
  return plan;
}

function offer(seller: string, atomic: number, path = `/${atomic}`) {
  return {
    quote: {
      ...{ scheme: 'exact', network: SANDBOX_NETWORK, asset: TOKEN, amount: String(atomic) },
      ...{ payTo: PAYEE, maxTimeoutSeconds: 600 },
    },
    resource: { method: 'GET' as const, url: `https://${seller}.example.com${path}` },
  };
}

/** Pays, presents the payment to the chain as a facilitator would, and waits for its block. */
async function settled(house: House, client: CountersignClient, seller: string): Promise<string> {
  const body = { ...offer(seller, 20_000), purpose: 'to know' };
  const payment = await client.call('proposePayment', { body });
  await present(house, payment);
  while ((await client.readPayment(payment.id)).status !== 'settled')
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  return payment.id;
}

async function present(house: House, payment: PaymentView): Promise<void> {
  const { authorization, signature } = payment;
  if (!authorization || signature === undefined)
    throw new Error(`the payment is ${payment.status} and not signed`);
  const { rpcUrl } = house.chain;
  const gasKeyFile = gasKeyFileIn(house, 3);
  const chain = evmChain({ network: SANDBOX_NETWORK, rpcUrl, gasKeyFile });
  await chain.submitTransfer({ ...authorization, value: BigInt(authorization.value), signature });
}

/** A file with the key of one of the chain's rich accounts. */
export function gasKeyFileIn(house: Pick<House, 'chain' | 'folder'>, index: number): string {
  const key = house.chain.gasAccounts[index]?.getHdKey().privateKey;
  if (!key) throw new Error('the sandbox chain has no such gas account');
  const file = join(house.folder, `gas-${index}.key`);
  writeFileSync(file, Buffer.from(key).toString('hex'), { mode: 0o600 });
  return file;
}
