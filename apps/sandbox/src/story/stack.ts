import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SERVICES, type Service } from '@countersign/contracts';
import { z } from 'zod';
import { SANDBOX_NETWORK } from '../chain.ts';
import { TOKEN_ADDRESS } from '../token.ts';
import { type Countersign, FOLDER, type Surroundings } from './countersign.ts';
import { type Ingress, startIngress } from './ingress.ts';
import { type Program, runProgram, startProgram } from './program.ts';

const LANES = '8';
/** A story is not to wait for what a chain of its own has done. */
const POLL_MS = 250;
/** Those that have a payment in their hands while it is being settled. */
const KILLED: readonly Service[] = ['intake', 'signer', 'settlement'];

const Servers = z.object({
  kafka: z.object({ brokers: z.array(z.string()) }),
  redis: z.object({ url: z.string() }),
  vault: z.object({ url: z.string(), token: z.string() }),
});
type Servers = z.infer<typeof Servers>;
const Ready = z.object({ service: z.enum(SERVICES), url: z.string() });

/** Every service as a process of its own, on Kafka, Redis and Vault that are started for it, behind one ingress. */
export async function startStack(surroundings: Surroundings): Promise<Countersign> {
  const { progress, port } = surroundings;
  await using parts = new AsyncDisposableStack();
  progress('starting Kafka, Redis and Vault');
  const servers = await startServers(parts);
  progress('countersign setup: topics, keys and roles');
  const trustedKeys = await setUp(servers);
  const running = new Map<Service, { program: Program; url: string }>();
  const ingress = parts.use(await startIngress(port, (service) => running.get(service)?.url));
  const settingsOf = settingsFor({ surroundings, servers, trustedKeys, ingress });
  const start = async (service: Service) => {
    const known = running.get(service);
    const program = await startProgram({
      main: `apps/${service}/src/main.ts`,
      // A restart takes the same port, as the ingress knows no other.
      settings: {
        ...settingsOf(service),
        COUNTERSIGN_PORT: known ? new URL(known.url).port : '0',
      },
      logFile: join(FOLDER, `${service}.log`),
    });
    running.set(service, { program, url: Ready.parse(JSON.parse(program.firstLine)).url });
  };
  parts.defer(async () => {
    await Promise.all([...running.values()].map(({ program }) => program.stop()));
  });
  progress(`starting ${SERVICES.length} services, each as a process of its own`);
  await Promise.all(SERVICES.map(start));
  const kept = parts.move();
  return {
    url: ingress.url,
    ownerCredentialFile: OWNER_FILE,
    brokers: servers.kafka.brokers,
    killed: `${KILLED.join(', ')} were killed (SIGKILL)`,
    async killAndRestart() {
      await Promise.all(KILLED.map(async (service) => running.get(service)?.program.kill()));
      await Promise.all(KILLED.map(start));
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

const OWNER_FILE = join(FOLDER, 'owner.credential');
const LOGINS = join(FOLDER, 'logins');
const REDIS_URL_FILE = join(FOLDER, 'redis.url');

async function startServers(parts: AsyncDisposableStack): Promise<Servers> {
  const program = await startProgram({
    main: 'deploy/local/hold.mjs',
    args: ['kafka', 'redis', 'vault'],
    logFile: join(FOLDER, 'servers.log'),
  });
  parts.defer(() => program.stop());
  return Servers.parse(JSON.parse(program.firstLine));
}

/** As an operator does it. @returns the keys to pin. */
async function setUp({ kafka, redis, vault }: Servers): Promise<string> {
  const tokenFile = join(FOLDER, 'vault.token');
  writeFileSync(tokenFile, vault.token, { mode: 0o600 });
  writeFileSync(REDIS_URL_FILE, redis.url, { mode: 0o600 });
  const printed = await runProgram('apps/cli/src/main.ts', [
    ...['setup', '--apply', '--brokers', kafka.brokers.join(','), '--lanes', LANES],
    ...['--replication', '1', '--redis', redis.url],
    ...['--vault', vault.url, '--vault-token-file', tokenFile, '--logins', LOGINS],
  ]);
  const pinned = /^COUNTERSIGN_TRUSTED_KEYS=(.+)$/m.exec(printed)?.[1];
  if (pinned === undefined) throw new Error(`countersign setup printed no keys: ${printed}`);
  return pinned;
}

/** The settings of each service: what it is told, and nothing else. */
function settingsFor(parts: {
  readonly surroundings: Surroundings;
  readonly servers: Servers;
  readonly trustedKeys: string;
  readonly ingress: Ingress;
}): (service: Service) => Readonly<Record<string, string>> {
  const { surroundings, servers, trustedKeys, ingress } = parts;
  const { chain, receiver, gasKeyFile, pollMs = POLL_MS } = surroundings;
  const chains = { COUNTERSIGN_CHAINS: `${SANDBOX_NETWORK}=${chain.rpcUrl}` };
  const notifier = {
    COUNTERSIGN_WEBHOOK_URL: receiver.url,
    COUNTERSIGN_WEBHOOK_ALLOW_PRIVATE: 'yes',
    COUNTERSIGN_PUBLIC_URL: ingress.url,
  };
  const own: Readonly<Record<Service, Readonly<Record<string, string>>>> = {
    intake: {},
    policy: {
      COUNTERSIGN_REDIS_URL_FILE: REDIS_URL_FILE,
      COUNTERSIGN_OWNER_CREDENTIAL_FILE: OWNER_FILE,
    },
    approval: notifier,
    signer: {
      ...chains,
      COUNTERSIGN_CEILING_PER_PAYMENT: '100000000',
      COUNTERSIGN_CEILING_PER_DAY: '1000000000',
    },
    settlement: {
      ...chains,
      COUNTERSIGN_GAS_KEY_FILE: gasKeyFile,
      COUNTERSIGN_TOKENS: TOKEN_ADDRESS.toLowerCase(),
      COUNTERSIGN_POLL_MS: String(pollMs),
    },
    alerting: notifier,
    recorder: {},
  };
  return (service) => ({
    COUNTERSIGN_STATE_DIR: join(FOLDER, service),
    COUNTERSIGN_KAFKA_BROKERS: servers.kafka.brokers.join(','),
    COUNTERSIGN_LANES: LANES,
    COUNTERSIGN_TRUSTED_KEYS: trustedKeys,
    COUNTERSIGN_VAULT_ADDRESS: servers.vault.url,
    COUNTERSIGN_VAULT_ROLE_ID: readFileSync(join(LOGINS, `${service}.role-id`), 'utf8'),
    COUNTERSIGN_VAULT_SECRET_ID_FILE: join(LOGINS, `${service}.secret-id`),
    ...own[service],
  });
}
