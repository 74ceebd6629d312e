import { createHash, createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { openEventStore } from '@countersign/adapter-clickhouse';
import { openStore } from '@countersign/adapter-sqlite';
import { smartAccounts } from '@countersign/adapter-evm/account';
import { typedData } from '@countersign/adapter-evm/typed-data';
import { Fault, sha256Hex } from '@countersign/kernel';
import type {
  Budgets,
  Clock,
  EventLog,
  EventStore,
  Notification,
  OwnerKeys,
  StatementKey,
  WalletKeys,
} from '@countersign/ports';
import { silentLog } from '@countersign/service-kit';
import { openSigningJournal } from '@countersign/signing/service';
import { NETWORK, PAYEE, USDC, VirtualTime } from '@countersign/testkit';
import { MemoryChain } from '@countersign/testkit/memory-chain';
import {
  type ServicePorts,
  type Services,
  startServices,
} from '../../apps/standalone/src/services.ts';
import { BLOCK_MS, Rig } from './rig.ts';

export const START_MS = 1_790_000_000_000;
/** How long the key of a revoked wallet is kept at least. */
export const REVOKED_KEY_KEPT_MS = 20_000;
const OWNER = { tenant: 'default', person: 'owner' };
const DOMAIN = { name: 'USDC', version: '2', chainId: 84_532, verifyingContract: USDC };

type BudgetsOf = (log: EventLog, clock: Clock) => Promise<Budgets>;

/** What is kept elsewhere than beside the log. */
export interface Elsewhere {
  /** A folder for the event store; without one there is none. */
  readonly eventsIn?: string | undefined;
  readonly budgetsOf?: BudgetsOf | undefined;
  readonly telemetry?: ServicePorts['telemetry'];
}

/** All services over HTTP, on the embedded adapters in memory, a chain in memory, and time that a test moves. */
export class World extends Rig {
  readonly chain: MemoryChain;
  readonly told: Notification[] = [];
  readonly wallets = new TestWallets();
  readonly owners = new TestOwners();
  journal = openSigningJournal(undefined);
  readonly path: string;
  services!: Services;
  fatal: unknown;
  notifierIsOut = false;
  #store!: ReturnType<typeof openStore>;
  #budgets!: Budgets;
  readonly #budgetsOf: BudgetsOf | undefined;
  readonly #telemetry: ServicePorts['telemetry'];

  readonly eventsIn: string | undefined;

  private constructor(path: string, { eventsIn, budgetsOf, telemetry }: Elsewhere) {
    super(new VirtualTime(START_MS));
    this.path = path;
    this.#telemetry = telemetry;
    this.eventsIn = eventsIn;
    this.#budgetsOf = budgetsOf;
    this.chain = new MemoryChain({
      network: NETWORK,
      tokens: [USDC],
      genesisTimeMs: START_MS - 10 * BLOCK_MS,
      verify: (transfer) => this.#accepts(transfer, typedData.transferDigest(transfer, DOMAIN)),
      verifyCancellation: (cancel) =>
        this.#accepts(cancel, typedData.cancellationDigest(cancel, DOMAIN)),
      accounts: {
        rules: smartAccounts,
        chainId: 84_532,
        verify: (owner, digest, signature) => signature === ownerSignature(owner, digest),
      },
    });
    for (let block = 9; block >= 0; block -= 1) this.chain.mine(START_MS - block * BLOCK_MS);
  }

  /** @param path of the store; in memory when left out. */
  static async create(path = ':memory:', elsewhere: Elsewhere = {}): Promise<World> {
    const world = new World(path, elsewhere);
    await world.start();
    await world.#addPeople();
    return world;
  }

  async start(): Promise<void> {
    this.#store = openStore({ path: this.path, laneCount: 4, clock: this.time.clock });
    this.#budgets =
      (await this.#budgetsOf?.(this.#store.log, this.time.clock)) ?? this.#store.budgets;
    this.services = await startServices({
      eventLog: this.#store.log,
      budgets: this.#budgets,
      wallets: this.wallets,
      owners: this.owners,
      accounts: smartAccounts,
      typedData,
      journal: this.journal,
      keys: {
        intake: statementKey('intake'),
        policy: statementKey('policy'),
        approval: statementKey('approval'),
        signer: statementKey('signer'),
        settlement: statementKey('settlement'),
        alerting: statementKey('alerting'),
        recorder: statementKey('recorder'),
      },
      chains: new Map([[NETWORK, this.chain]]),
      tokens: new Map([[NETWORK, [USDC]]]),
      notifier: {
        notify: (notification) => {
          if (this.notifierIsOut) return Promise.reject(OUT);
          this.told.push(notification);
          return Promise.resolve();
        },
      },
      ...(this.eventsIn !== undefined && { openEventStore: () => this.#openEventStore() }),
      ceilingOf: () => ({ perPayment: 10n ** 12n, perDay: 10n ** 13n }),
      revokedKeyKeptMs: REVOKED_KEY_KEPT_MS,
      pollMs: 500,
      clock: this.time.clock,
      timers: this.time.timers,
      log: silentLog,
      ...(this.#telemetry && { telemetry: this.#telemetry }),
      onFatal: (error) => {
        this.fatal = error;
      },
    });
    await this.services.app.init();
    await this.services.app.getHttpAdapter().getInstance().ready();
    await this.services.work('http://test.invalid/approve');
  }

  async stop(): Promise<void> {
    await this.services.close();
    await this.#budgets.close();
    await this.#store.close();
  }

  #openEventStore(): Promise<EventStore> {
    return openEventStore({ logId: this.log.logId, folder: this.eventsIn ?? '' });
  }

  /** The signer's own journal is lost. */
  forgetJournal(): void {
    this.journal = openSigningJournal(undefined);
  }

  get log() {
    return this.#store.log;
  }

  async #addPeople(): Promise<void> {
    const { registry } = this.services;
    const roles = ['approver', 'operator', 'policy_author', 'auditor'] as const;
    const { credential } = await registry.addPerson(OWNER, 'owner', roles);
    this.credentials['owner'] = credential;
    for (const person of ['ada', 'bo', 'cy'])
      this.credentials[person] = (await registry.addPerson(OWNER, person, ['approver'])).credential;
    const { address } = await registry.requestWallet(OWNER, 'w1');
    this.chain.mint(USDC, address, 10n ** 15n);
    for (const agent of ['research-1', 'batch-1'])
      this.credentials[agent] = (await registry.addAgent(OWNER, agent, 'w1')).credential;
    await registry.registerSeller(OWNER, {
      seller: 'embeddings',
      domain: 'api.example.com',
      payTo: [{ network: NETWORK, address: PAYEE }],
      trust: 'known',
      category: 'embedding',
      jurisdiction: 'DE',
      takes: 'any',
      routes: [],
    });
  }

  async usePolicy(text: string): Promise<void> {
    const { version } = await this.services.registry.putPolicy(OWNER, text);
    await this.services.registry.activatePolicy(OWNER, version);
  }

  /** Keys are believed whatever they sign; an account is asked, as tokens ask where code stands. */
  #accepts({ from, signature }: { from: string; signature: string }, digest: string): boolean {
    const { accounts } = this.chain;
    return !accounts.isAccount(from) || accounts.accepts(from, digest, signature);
  }
}

const OUT = new Fault('notification_not_accepted', 'nobody takes messages', { retryable: true });

const GONE = new Fault('wallet_revoked', 'the key is destroyed', { retryable: false });

/** Deterministic keys by name; the bytes are of the right form and the memory chain believes them. */
class TestWallets implements WalletKeys {
  readonly capabilities = { production: false };
  readonly signed: { wallet: string; digest: string }[] = [];
  readonly revoked = new Set<string>();

  async create(wallet: string): Promise<string> {
    return `0x${sha256Hex(wallet).slice(0, 40)}`;
  }

  async address(wallet: string): Promise<string> {
    return this.create(wallet);
  }

  async sign(wallet: string, digest: string): Promise<string> {
    if (this.revoked.has(wallet)) throw GONE;
    this.signed.push({ wallet, digest });
    return `0x${sha256Hex(wallet + digest)}${sha256Hex(digest)}1b`;
  }

  async revoke(wallet: string): Promise<void> {
    this.revoked.add(wallet);
  }

  async close(): Promise<void> {}
}

/** Owner keys by name and version, and who signed what with which. */
class TestOwners implements OwnerKeys {
  readonly signed: { wallet: string; version: number; digest: string }[] = [];
  readonly revoked = new Set<string>();
  readonly #made = new Set<string>();

  async make(wallet: string, version: number): Promise<string> {
    this.#made.add(`${wallet}@${version}`);
    return ownerKey(wallet, version);
  }

  async publicKey(wallet: string, version: number): Promise<string | undefined> {
    return this.#made.has(`${wallet}@${version}`) ? ownerKey(wallet, version) : undefined;
  }

  async sign(wallet: string, version: number, digest: string): Promise<string> {
    if (this.revoked.has(wallet)) throw GONE;
    this.signed.push({ wallet, version, digest });
    return ownerSignature(ownerKey(wallet, version), digest);
  }

  async revoke(wallet: string): Promise<void> {
    this.revoked.add(wallet);
  }

  async close(): Promise<void> {}
}

function ownerKey(wallet: string, version: number): string {
  return `0x${sha256Hex(`${wallet}/x/${version}`)}${sha256Hex(`${wallet}/y/${version}`)}`;
}

function ownerSignature(owner: string, digest: string): string {
  return `0x${sha256Hex(owner + digest)}${sha256Hex(digest)}`;
}

/** A real ed25519 key from a name. */
export function statementKey(service: string): StatementKey {
  const seed = createHash('sha256').update(service).digest();
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]);
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  const publicKey = createPublicKey(privateKey).export({ format: 'jwk' }).x ?? '';
  return {
    capabilities: { inProcess: true },
    keyId: `${service}-test`,
    publicKey,
    sign: (text) =>
      Promise.resolve(sign(null, Buffer.from(text), privateKey).toString('base64url')),
  };
}
