import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CountersignClient, governedFetch } from '@countersign/sdk';
import { type Address, type Hex, bytesToHex } from 'viem';
import { type Chain, SANDBOX_NETWORK, startChain } from '../chain.ts';
import { type Facilitator, startFacilitator } from '../facilitator.ts';
import { type Seller, startSeller } from '../seller.ts';
import { type StockAgent, createStockAgent } from '../stock-agent.ts';
import { freePort } from '../free-port.ts';
import { FOLDER, type StartCountersign } from './countersign.ts';
import { elsewhereText, takeFolder } from './folder.ts';
import { SANDBOX_FILE } from './sandbox-file.ts';
import { type Receiver, startReceiver } from './receiver.ts';
import { SELLERS, type SellerName, type SoldBy, payToOf } from './sellers.ts';

const AGENTS = ['research-1', 'batch-1'] as const;
const APPROVERS = ['ada', 'bo', 'cy'] as const;
export type AgentName = (typeof AGENTS)[number];
export type ApproverName = (typeof APPROVERS)[number];

/** Where README, command and examples look for Countersign. */
const GUIDE_PORT = 4020;

/** The sandbox with Countersign in it, set up through its HTTP API as an operator would. */
export interface World extends AsyncDisposable {
  readonly chain: Chain;
  readonly facilitator: Facilitator;
  readonly receiver: Receiver;
  readonly sellers: Readonly<Record<SellerName, Seller>>;
  /** An agent nobody governs, with money of its own. */
  readonly stock: StockAgent;
  readonly owner: CountersignClient;
  readonly ownerCredentialFile: string;
  readonly approvers: Readonly<Record<ApproverName, CountersignClient>>;
  readonly agents: Readonly<Record<AgentName, CountersignClient>>;
  readonly wallets: Readonly<Record<AgentName, Address>>;
  url(): string;
  /** What to do where it is not at the address of the guide. */
  readonly elsewhere: string | undefined;
  /** The stock x402 wrapper with our scheme client in it. */
  fetchAs(agent: AgentName, options?: { waitSeconds?: number; purpose?: string }): typeof fetch;
  /** Kafka's, where Countersign runs on it. */
  readonly brokers: readonly string[] | undefined;
  /** What {@link killAndRestart} kills, for people. */
  readonly killed: string;
  /** SIGKILL in the middle of whatever it does, and a new start on what it kept. */
  killAndRestart(): Promise<void>;
}

/**
 * Starts everything on this machine. The parts end with the world, also when a step fails.
 *
 * @param start starts Countersign in it.
 * @param progress told what is being done, for whoever waits.
 * @throws AlreadyRunning when another one lives in this folder.
 */
export async function createWorld(
  start: StartCountersign,
  progress: (doing: string) => void,
): Promise<World> {
  await using parts = new AsyncDisposableStack();
  parts.use(takeFolder(FOLDER));
  progress('starting a chain of our own (anvil, chain id 84532) with a token like USDC');
  const chain = parts.use(await startChain());
  progress('starting a facilitator and seven sellers (stock x402 packages)');
  const facilitator = parts.use(await startFacilitator({ chain }));
  const sellers = await startSellers(facilitator, parts);
  const receiver = parts.use(await startReceiver());
  writeFileSync(SANDBOX_FILE, JSON.stringify({ rpcUrl: chain.rpcUrl }));
  const port = await freePort(GUIDE_PORT);
  const gasKeyFile = writeGasKey(chain);
  const countersign = parts.use(await start({ chain, receiver, gasKeyFile, port, progress }));
  const { ownerCredentialFile, url: baseUrl } = countersign;
  const elsewhere = elsewhereText(baseUrl, GUIDE_PORT);
  if (elsewhere !== undefined) progress(elsewhere);
  const owner = new CountersignClient({
    baseUrl,
    credential: readFileSync(ownerCredentialFile, 'utf8').trim(),
  });
  progress('registering people, wallets, agents, sellers and the policy through its API');
  const people = await setUp(owner, baseUrl, sellers);
  progress('funding two wallets and an ungoverned agent');
  const stock = createStockAgent({ privateKey: `0x${'57'.repeat(32)}` });
  const funded = [...Object.values(people.wallets), stock.address];
  for (const address of funded) await chain.fund(address, 5_000_000_000n);

  const kept = parts.move();
  return {
    chain,
    facilitator,
    receiver,
    sellers,
    stock,
    owner,
    ownerCredentialFile,
    elsewhere,
    ...people,
    url: () => baseUrl,
    brokers: countersign.brokers,
    killed: countersign.killed,
    fetchAs: (agent, options = {}) =>
      governedFetch({
        client: people.agents[agent],
        // One scene kills Countersign while the seller answers; what that leaves open is the scene's own subject.
        onDeliveryReportFailed: () => undefined,
        ...options,
      }),
    killAndRestart: () => countersign.killAndRestart(),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

function writeGasKey(chain: Chain): string {
  const key = chain.gasAccounts[1]?.getHdKey().privateKey;
  if (!key) throw new Error('the sandbox chain has no second gas account');
  const file = join(FOLDER, 'gas.key');
  writeFileSync(file, bytesToHex(key), { mode: 0o600 });
  return file;
}

async function startSellers(
  facilitator: Facilitator,
  parts: AsyncDisposableStack,
): Promise<Record<SellerName, Seller>> {
  const started = await Promise.all(
    Object.entries<SoldBy>(SELLERS).map(async ([name, { routes }]) => {
      const port = name === 'embeddings' ? await freePort(4021) : 0;
      const facilitatorUrl = facilitator.url;
      const seller = await startSeller({ facilitatorUrl, routes: routes(name), port });
      return [name, parts.use(seller)] as const;
    }),
  );
  return Object.fromEntries(started) as Record<SellerName, Seller>;
}

async function setUp(
  owner: CountersignClient,
  baseUrl: string,
  sellers: Readonly<Record<SellerName, Seller>>,
): Promise<Pick<World, 'approvers' | 'agents' | 'wallets'>> {
  const as = (credential: string) => new CountersignClient({ baseUrl, credential });
  const approvers = {} as Record<ApproverName, CountersignClient>;
  for (const person of APPROVERS) {
    const body = { person, roles: ['approver' as const] };
    approvers[person] = as((await owner.call('addPerson', { body })).credential);
  }
  const agents = {} as Record<AgentName, CountersignClient>;
  const wallets = {} as Record<AgentName, Address>;
  for (const agent of AGENTS) {
    const wallet = `${agent}-wallet`;
    const { address } = await owner.call('requestWallet', { body: { wallet } });
    wallets[agent] = address as Hex;
    agents[agent] = as((await owner.call('addAgent', { body: { agent, wallet } })).credential);
  }
  for (const [name, { record }] of Object.entries<SoldBy>(SELLERS)) {
    if (!record) continue;
    const domain = new URL(sellers[name as SellerName].url).host;
    const payTo = [{ network: SANDBOX_NETWORK, address: record.payTo ?? payToOf(name) }];
    const { payTo: _, ...rest } = record;
    const body = { ...rest, domain, payTo, takes: 'any' as const };
    await owner.call('registerSeller', { params: { seller: name }, body });
  }
  const text = readFileSync(new URL('policy.yaml', import.meta.url), 'utf8');
  const { version } = await owner.call('putPolicy', { body: { text } });
  await owner.call('activatePolicy', { params: { version: String(version) } });
  return { approvers, agents, wallets };
}
