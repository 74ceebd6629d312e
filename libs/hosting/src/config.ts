import { readFileSync } from 'node:fs';
import { SaslLogin } from '@countersign/adapter-kafka/sasl';
import { Address, Network } from '@countersign/contracts';
import { PIN, readPin } from '@countersign/service-kit';
import { z } from 'zod';
import { fileFaults } from './setting-files.ts';

/** A whole number from `min` to `max`. */
export const count = (min: number, max: number) =>
  z
    .string()
    .regex(/^[0-9]{1,9}$/, 'a whole number')
    .transform(Number)
    .pipe(z.number().min(min).max(max));

/** Texts separated by commas. */
const list = <T extends z.ZodType<unknown, string>>(each: T) =>
  z
    .string()
    .transform((text) => text.split(',').filter((part) => part !== ''))
    .pipe(z.array(each));

const HttpUrl = z.url({ protocol: /^https?$/ });

const Pin = z.object({
  service: z.string(),
  publicKey: z.string(),
  untilMs: z.number().optional(),
});

const PIN_FORM = '<service>=<ed25519 public key, 43 base64url characters>[@<its end, Unix ms>]';

/** A pinned key: `policy=<ed25519 public key, base64url>`, with `@<Unix ms>` behind it where it has an end. */
const TrustedKey = z.string().regex(PIN, PIN_FORM).transform(readPin);

const ChainParts = z.strictObject({ network: Network, rpcUrl: HttpUrl });

/** `eip155:84532=http://127.0.0.1:8545`. A fault names the network only, as the URL may hold a key. */
export const ChainAt = z.string().transform((text, context) => {
  const [network, ...rest] = text.split('=');
  const chain = ChainParts.safeParse({ network, rpcUrl: rest.join('=') });
  if (chain.success) return chain.data;
  const name = Network.safeParse(network).success ? network : 'one';
  context.addIssue({ code: 'custom', message: `${name} is not <CAIP-2>=<URL>` });
  return z.NEVER;
});

/** Where traces go. */
export const TelemetrySettings = {
  /** A collector that takes OTLP over HTTP, such as `http://otel-collector:4318`; without it there are no traces. */
  COUNTERSIGN_OTLP_URL: HttpUrl.optional(),
  /** JSON with the headers that the collector asks for, such as its token. */
  COUNTERSIGN_OTLP_HEADERS_FILE: z.string().min(1).optional(),
  /** Part of all traces that is sent, from 0 to 1; all services take or leave the same payments. */
  COUNTERSIGN_TRACE_RATIO: z
    .string()
    .regex(/^(0(\.\d{1,6})?|1(\.0{1,6})?)$/, 'from 0 to 1')
    .transform(Number)
    .default(1),
};
export type TelemetrySettings = z.infer<z.ZodObject<typeof TelemetrySettings>>;

/** What every service is told. */
const CommonSettings = {
  COUNTERSIGN_HOST: z.string().min(1).default('127.0.0.1'),
  /** 0 takes a free port. */
  COUNTERSIGN_PORT: count(0, 65_535).default(8080),
  /** A folder of this replica's own: the fold kept between starts, which is a cache of the log. */
  COUNTERSIGN_STATE_DIR: z.string().min(1),
  /** `yes` folds the whole log at each start and verifies every signature in it, trusting no kept state. */
  COUNTERSIGN_VERIFY_AT_START: z.enum(['yes', 'no']).default('no'),
  /** `host:port` of some brokers, separated by commas. */
  COUNTERSIGN_KAFKA_BROKERS: list(z.string().regex(/^.+:\d+$/, 'host:port')).pipe(
    z.array(z.string()).min(1, 'at least one broker'),
  ),
  /** Put before every topic's name, as at set-up. */
  COUNTERSIGN_KAFKA_PREFIX: z.string().default(''),
  COUNTERSIGN_KAFKA_TLS: z.enum(['yes', 'no']).default('no'),
  /** JSON with mechanism, username and password. */
  COUNTERSIGN_KAFKA_SASL_FILE: z.string().min(1).optional(),
  /** As at set-up; start refuses another number. */
  COUNTERSIGN_LANES: count(1, 256),
  /**
   * Whose statements are believed: `policy=<public key>,…`, as `countersign setup` prints it. The same everywhere. Keys are
   * added, and given an end (`policy=<public key>@<Unix ms>`), never taken away: with its key goes all that it signed.
   */
  COUNTERSIGN_TRUSTED_KEYS: list(TrustedKey).pipe(z.array(Pin).min(1, 'at least one key')),
  COUNTERSIGN_LOG_LEVEL: z.enum(['error', 'warn', 'info']).default('info'),
  ...TelemetrySettings,
};

/** How a service reaches its keys in Vault. */
const VaultSettings = {
  COUNTERSIGN_VAULT_ADDRESS: HttpUrl,
  COUNTERSIGN_VAULT_NAMESPACE: z.string().min(1).optional(),
  /** The AppRole of this service; set-up writes it, and its secret. */
  COUNTERSIGN_VAULT_ROLE_ID: z.string().min(1).optional(),
  COUNTERSIGN_VAULT_SECRET_ID_FILE: z.string().min(1).optional(),
  /** Instead of an AppRole: a role of Vault's Kubernetes login, bound to the pod's service account. */
  COUNTERSIGN_VAULT_KUBERNETES_ROLE: z.string().min(1).optional(),
  /** The service account's token; where Kubernetes puts it, when left out. Read at each login, as it is replaced. */
  COUNTERSIGN_VAULT_KUBERNETES_TOKEN_FILE: z.string().min(1).optional(),
};

/** What every service is told, its login to Vault included, of which exactly one must be whole. `safeExtend` keeps that. */
export const ServiceSettings = z
  .strictObject({ ...CommonSettings, ...VaultSettings })
  .refine(hasOneLogin, {
    path: ['COUNTERSIGN_VAULT_ROLE_ID'],
    message:
      'COUNTERSIGN_VAULT_ROLE_ID with COUNTERSIGN_VAULT_SECRET_ID_FILE, or COUNTERSIGN_VAULT_KUBERNETES_ROLE, and not both',
    // Also where there are other faults: all are told together.
    when: () => true,
  });

function hasOneLogin(settings: VaultSettings): boolean {
  const appRole = [settings.COUNTERSIGN_VAULT_ROLE_ID, settings.COUNTERSIGN_VAULT_SECRET_ID_FILE];
  if (settings.COUNTERSIGN_VAULT_KUBERNETES_ROLE !== undefined)
    return appRole.every((it) => it === undefined);
  const { COUNTERSIGN_VAULT_KUBERNETES_TOKEN_FILE: tokenFile } = settings;
  return tokenFile === undefined && appRole.every((it) => it !== undefined);
}

export const ChainSettings = {
  /** `eip155:84532=http://127.0.0.1:8545`, several separated by commas. */
  COUNTERSIGN_CHAINS: list(ChainAt).pipe(z.array(ChainParts).min(1, 'at least one chain')),
};

/** Token contracts, separated by commas. */
export const TokenList = list(Address);

export const NotifierSettings = {
  /** Where notifications go, signed. */
  COUNTERSIGN_WEBHOOK_URL: HttpUrl,
  /** `yes` lets the webhook reach private addresses. */
  COUNTERSIGN_WEBHOOK_ALLOW_PRIVATE: z.enum(['yes', 'no']).default('no'),
  /** How people reach the ingress; links in notifications start with it. */
  COUNTERSIGN_PUBLIC_URL: HttpUrl,
};

export type ServiceSettings = z.infer<typeof ServiceSettings>;
export type VaultSettings = z.infer<z.ZodObject<typeof VaultSettings>>;

/** Every fault of the environment, in one message. */
export class SettingsInvalid extends Error {
  override readonly name = 'SettingsInvalid';
}

/**
 * @throws SettingsInvalid listing every fault, also of the files that settings name; a COUNTERSIGN_ variable that is no
 *   setting of this service is one.
 */
export function readSettings<T>(
  schema: z.ZodType<T>,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): T {
  const ours = Object.fromEntries(
    Object.entries(environment).filter(([name]) => name.startsWith('COUNTERSIGN_')),
  );
  const parsed = schema.safeParse(ours);
  const faults = (parsed.error?.issues ?? []).map((issue) =>
    issue.code === 'unrecognized_keys'
      ? `${issue.keys.join(', ')}: no such setting`
      : `${issue.path.join('.')}: ${issue.message}`,
  );
  faults.push(...fileFaults(ours));
  if (parsed.success && faults.length === 0) return parsed.data;
  throw new SettingsInvalid(faults.join('\n'));
}

/** @throws SettingsInvalid naming the file, never what it holds. */
export function readSasl(file: string): SaslLogin {
  const setting = `COUNTERSIGN_KAFKA_SASL_FILE: ${file}`;
  try {
    return SaslLogin.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    throw new SettingsInvalid(`${setting} is not JSON with mechanism, username and password`);
  }
}
