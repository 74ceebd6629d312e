import { Address, Atomic, Network } from '@countersign/contracts';
import {
  ChainAt,
  TelemetrySettings,
  readSettings as readOurs,
} from '@countersign/hosting/telemetry';
import { z } from 'zod';

/** Networks whose coins are worth nothing: the development keystore signs on no other. */
const TEST_NETWORKS = ['eip155:84532', 'eip155:31337'];

const TestChain = ChainAt.pipe(
  z.object({ network: Network, rpcUrl: z.string() }).superRefine(({ network }, context) => {
    if (TEST_NETWORKS.includes(network)) return;
    const message = `${network} is a real network, and the keys here are for development only`;
    context.addIssue({ code: 'custom', message });
  }),
);
const Chains = z
  .string()
  .transform((text) => text.split(',').filter((part) => part !== ''))
  .pipe(z.array(TestChain));

const count = (fallback: number, min: number, max: number) =>
  z
    .string()
    .regex(/^[0-9]{1,9}$/, 'a whole number')
    .transform(Number)
    .pipe(z.number().min(min).max(max))
    .default(fallback);

/** Every setting of the standalone app, by environment variable. Unknown COUNTERSIGN_* variables are errors. */
export const Settings = z.strictObject({
  /** Where the log, the keystore and the owner's credential live. */
  COUNTERSIGN_DATA_DIR: z.string().min(1).default('.local/standalone'),
  COUNTERSIGN_HOST: z.string().min(1).default('127.0.0.1'),
  /** 0 takes a free port. */
  COUNTERSIGN_PORT: count(4020, 0, 65_535),
  /** How people reach this process; links in notifications start with it. */
  COUNTERSIGN_PUBLIC_URL: z.url({ protocol: /^https?$/ }).optional(),
  /** Fixed at the first start. */
  COUNTERSIGN_LANES: count(8, 1, 256),
  /** `eip155:84532=http://127.0.0.1:8545`, several separated by commas. */
  COUNTERSIGN_CHAINS: Chains.default([]),
  /**
   * File with the hex private key of an account that pays gas: for withdrawals, cancellations, and smart accounts that
   * are deployed or given to a new key.
   */
  COUNTERSIGN_GAS_KEY_FILE: z.string().min(1).optional(),
  /** Token contracts whose balances are shown, separated by commas. */
  COUNTERSIGN_TOKENS: z
    .string()
    .transform((text) => text.split(',').filter((part) => part !== ''))
    .pipe(z.array(Address))
    .default(['0x036cbd53842c5426634e7929541ec2318f3dcf7e']),
  /** Most one payment may move, in atomic units of its token. */
  COUNTERSIGN_CEILING_PER_PAYMENT: Atomic.default('100000000'),
  /** Most one wallet may sign away in 24 hours, in atomic units of each token. */
  COUNTERSIGN_CEILING_PER_DAY: Atomic.default('1000000000'),
  /** How long the key of a revoked wallet is kept at least, unused, before it is destroyed. */
  COUNTERSIGN_REVOKED_KEY_KEPT_HOURS: count(24, 0, 8_760),
  /** How often the chain is asked about payments under way. */
  COUNTERSIGN_POLL_MS: count(1_000, 50, 60_000),
  /** Where notifications go, signed; without it they go to the terminal, and where there is none, no veto window opens. */
  COUNTERSIGN_WEBHOOK_URL: z.url({ protocol: /^https?$/ }).optional(),
  /** `yes` lets the webhook reach private addresses; for receivers on this machine. */
  COUNTERSIGN_WEBHOOK_ALLOW_PRIVATE: z.enum(['yes', 'no']).default('no'),
  /** `yes` folds the whole log at each start and verifies every signature in it, trusting no kept state. */
  COUNTERSIGN_VERIFY_AT_START: z.enum(['yes', 'no']).default('no'),
  /** `off` for no search and no reports, and 300 MB less memory. */
  COUNTERSIGN_EVENT_STORE: z.enum(['on', 'off']).default('on'),
  /** File with the URL of a ClickHouse server, with user and password; without it the engine runs in this process. */
  COUNTERSIGN_CLICKHOUSE_URL_FILE: z.string().min(1).optional(),
  COUNTERSIGN_LOG_LEVEL: z.enum(['error', 'warn', 'info']).default('info'),
  ...TelemetrySettings,
});
export type Settings = z.infer<typeof Settings>;

/** Settings of the `countersign` command, which may stand in the same environment. */
const OF_THE_COMMAND = ['COUNTERSIGN_URL', 'COUNTERSIGN_CREDENTIAL_FILE'];

/** @throws SettingsInvalid listing every fault. */
export function readSettings(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Settings {
  const ours = Object.entries(environment).filter(([name]) => !OF_THE_COMMAND.includes(name));
  return readOurs(Settings, Object.fromEntries(ours));
}
