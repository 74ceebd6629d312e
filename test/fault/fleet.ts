import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SERVICES, type Service } from '@countersign/contracts';
import { type Chain, SANDBOX_NETWORK } from '../../apps/sandbox/src/chain.ts';
import { type Served, serviceFor } from '../../apps/sandbox/src/story/ingress.ts';
import { runProgram } from '../../apps/sandbox/src/story/program.ts';
import { TOKEN_ADDRESS } from '../../apps/sandbox/src/token.ts';
import { type VaultServer, startVault } from '../../deploy/local/vault.mjs';
import type { Dice } from '../sim/dice.ts';
import { type Relay, openRelay } from './relay.ts';
import { Replica } from './replica.ts';
import { type Broker, RedisPair, startBroker } from './servers.ts';

export const LANES = 8;
const STARTS_AT_ONCE = 4;
/** Most one wallet may sign away in a day, in 10^-6: what its agents buy in a run stays below it. */
export const CEILING_PER_DAY = 1_000_000_000n;

/** Which servers a service talks to. */
export const SERVERS = ['kafka', 'redis', 'vault', 'chain'] as const;
export type ServerName = (typeof SERVERS)[number];

/** One process with a relay of its own before each server it talks to. */
export interface Member {
  readonly replica: Replica;
  readonly relays: Readonly<Partial<Record<ServerName, Relay>>>;
}

export interface FleetOptions {
  readonly folder: string;
  readonly chain: Chain;
  readonly webhookUrl: string;
  readonly gasKeyFile: string;
  readonly replicasOf: (service: Service) => number;
  readonly progress: (doing: string) => void;
  readonly onEnd: (replica: Replica, end: string, isBug: boolean) => void;
  readonly onSaid: (replica: Replica, line: string) => void;
}

/** Every service several times, on real servers, each process behind relays of its own. */
export class Fleet {
  readonly members: readonly Member[];
  readonly broker: Broker;
  readonly redis: RedisPair;
  readonly vault: VaultServer;
  /** `service=key,…`: what everybody believes. */
  readonly trustedKeys: string;
  readonly #ownerFile: string;

  private constructor(parts: FleetParts) {
    this.broker = parts.broker;
    this.redis = parts.redis;
    this.vault = parts.vault;
    this.trustedKeys = parts.trustedKeys;
    this.members = parts.members;
    this.#ownerFile = parts.ownerFile;
  }

  static async start(options: FleetOptions): Promise<Fleet> {
    const { folder, progress, replicasOf } = options;
    const slots = SERVICES.flatMap((service) =>
      Array.from({ length: replicasOf(service) }, (_, index) => ({
        service,
        name: `${service}-${index + 1}`,
      })),
    );
    progress('starting Kafka, two Redis servers and Vault');
    const [broker, redis, vault] = await Promise.all([
      startBroker(join(folder, 'kafka'), slots.length),
      RedisPair.start(),
      startVault({ folder: join(folder, 'vault') }),
    ]);
    progress('countersign setup: topics, keys and roles');
    const trustedKeys = await setUp(folder, { broker, redis, vault });
    const ownerFile = join(folder, 'owner.credential');
    const surroundings = { ...options, broker, redis, vault, trustedKeys, ownerFile };
    const members = await Promise.all(
      slots.map((slot, index) => memberFor(surroundings, { ...slot, door: broker.doors[index]! })),
    );
    const fleet = new Fleet({ ...surroundings, members });
    progress(`starting ${members.length} processes`);
    // A few at a time: what the first have compiled, the others find.
    const waiting = [...members];
    const starting = Array.from({ length: STARTS_AT_ONCE }, async () => {
      for (let next = waiting.shift(); next; next = waiting.shift()) await next.replica.start();
    });
    await Promise.all(starting);
    return fleet;
  }

  get ownerCredential(): string {
    return readFileSync(this.#ownerFile, 'utf8').trim();
  }

  of(service: Service): readonly Member[] {
    return this.members.filter(({ replica }) => replica.service === service);
  }

  /** As a load balancer that knows which processes listen, and not which of them work. */
  urlFor(path: string, dice: Dice): string | undefined {
    const service: Served = serviceFor(path);
    const urls = this.of(service).flatMap(({ replica }) => replica.url ?? []);
    return urls.length === 0 ? undefined : dice.pick(urls);
  }

  /** Everybody in good health again. */
  async heal(): Promise<void> {
    this.vault.resume();
    this.broker.server.resume();
    for (const { replica, relays } of this.members) {
      for (const relay of Object.values(relays)) relay.set('pass');
      replica.resume();
      replica.limitFiles(undefined);
      relays.redis?.lead(this.redis.master.port);
    }
    await Promise.all(this.members.map(({ replica }) => replica.start()));
  }

  async stop(): Promise<void> {
    await Promise.all(this.members.map(({ replica }) => replica.stop(20_000)));
    const relays = this.members.flatMap((member) => Object.values(member.relays));
    await Promise.all(relays.map((relay) => relay.close()));
    await Promise.all([this.broker.server.stop(), this.redis.stop(), this.vault.stop()]);
  }
}

interface FleetParts {
  readonly broker: Broker;
  readonly redis: RedisPair;
  readonly vault: VaultServer;
  readonly trustedKeys: string;
  readonly members: readonly Member[];
  readonly ownerFile: string;
}

type ServersStarted = Pick<FleetParts, 'broker' | 'redis' | 'vault'>;

/** As an operator does it. @returns the keys to pin. */
async function setUp(folder: string, { broker, redis, vault }: ServersStarted): Promise<string> {
  const tokenFile = join(folder, 'vault.token');
  writeFileSync(tokenFile, vault.token, { mode: 0o600 });
  const printed = await runProgram('apps/cli/src/main.ts', [
    ...['setup', '--apply', '--brokers', broker.own, '--lanes', String(LANES)],
    ...['--replication', '1', '--redis', redis.master.url],
    ...['--vault', vault.url, '--vault-token-file', tokenFile, '--logins', join(folder, 'logins')],
  ]);
  const pinned = /^COUNTERSIGN_TRUSTED_KEYS=(.+)$/m.exec(printed)?.[1];
  if (pinned === undefined) throw new Error(`countersign setup printed no keys: ${printed}`);
  return pinned;
}

type Around = FleetOptions & Omit<FleetParts, 'members'>;

async function memberFor(
  around: Around,
  slot: { readonly service: Service; readonly name: string; readonly door: Relay },
): Promise<Member> {
  const { folder } = around;
  const { service, name, door } = slot;
  const relays: Partial<Record<ServerName, Relay>> = {
    kafka: door,
    vault: await openRelay(portOf(around.vault.url)),
  };
  if (service === 'policy') relays.redis = await openRelay(around.redis.master.port);
  if (service === 'signer' || service === 'settlement')
    relays.chain = await openRelay(portOf(around.chain.rpcUrl));
  const replica = new Replica({
    service,
    name,
    settings: settingsOf(around, service, name, relays),
    logFile: join(folder, `${name}.log`),
    compileCache: join(folder, 'compiled'),
    onSaid: around.onSaid,
    onEnd: around.onEnd,
  });
  return { replica, relays };
}

function settingsOf(
  around: Around,
  service: Service,
  name: string,
  relays: Member['relays'],
): Readonly<Record<string, string>> {
  const { folder } = around;
  const at = (server: ServerName) => `127.0.0.1:${relays[server]?.port ?? 0}`;
  const redisUrlFile = join(folder, `${name}.redis-url`);
  if (relays.redis) writeFileSync(redisUrlFile, `redis://${at('redis')}`, { mode: 0o600 });
  const chains = { COUNTERSIGN_CHAINS: `${SANDBOX_NETWORK}=http://${at('chain')}` };
  const notifier = {
    COUNTERSIGN_WEBHOOK_URL: around.webhookUrl,
    COUNTERSIGN_WEBHOOK_ALLOW_PRIVATE: 'yes',
    COUNTERSIGN_PUBLIC_URL: 'http://127.0.0.1:9',
  };
  const own: Readonly<Record<Service, Readonly<Record<string, string>>>> = {
    intake: {},
    policy: {
      COUNTERSIGN_REDIS_URL_FILE: redisUrlFile,
      COUNTERSIGN_OWNER_CREDENTIAL_FILE: around.ownerFile,
    },
    approval: notifier,
    signer: {
      ...chains,
      COUNTERSIGN_CEILING_PER_PAYMENT: '100000000',
      COUNTERSIGN_CEILING_PER_DAY: String(CEILING_PER_DAY),
    },
    settlement: {
      ...chains,
      COUNTERSIGN_GAS_KEY_FILE: around.gasKeyFile,
      COUNTERSIGN_TOKENS: TOKEN_ADDRESS.toLowerCase(),
      COUNTERSIGN_POLL_MS: '500',
    },
    alerting: notifier,
    recorder: {},
  };
  const login = join(folder, 'logins', service);
  return {
    COUNTERSIGN_PORT: '0',
    COUNTERSIGN_STATE_DIR: join(folder, 'state', name),
    COUNTERSIGN_KAFKA_BROKERS: at('kafka'),
    COUNTERSIGN_LANES: String(LANES),
    COUNTERSIGN_TRUSTED_KEYS: around.trustedKeys,
    COUNTERSIGN_VAULT_ADDRESS: `http://${at('vault')}`,
    COUNTERSIGN_VAULT_ROLE_ID: readFileSync(`${login}.role-id`, 'utf8'),
    COUNTERSIGN_VAULT_SECRET_ID_FILE: `${login}.secret-id`,
    ...own[service],
  };
}

function portOf(url: string): number {
  return Number(new URL(url).port);
}
