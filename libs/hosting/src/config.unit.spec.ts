import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  ChainSettings,
  NotifierSettings,
  ServiceSettings,
  SettingsInvalid,
  TokenList,
  count,
  readSasl,
  readSettings,
} from './config.ts';

const Settings = ServiceSettings.safeExtend({
  ...ChainSettings,
  ...NotifierSettings,
  COUNTERSIGN_TOKENS: TokenList.default([]),
  COUNTERSIGN_REDIS_URL_FILE: z.string().min(1).optional(),
  COUNTERSIGN_CLICKHOUSE_URL_FILE: z.string().min(1).optional(),
  COUNTERSIGN_GAS_KEY_FILE: z.string().min(1).optional(),
  COUNTERSIGN_POLL_MS: count(50, 60_000).default(1_000),
});

const folder = mkdtempSync(join(tmpdir(), 'countersign-settings-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A file that holds the text; its path. */
function fileOf(text: string): string {
  const path = join(folder, crypto.randomUUID());
  writeFileSync(path, text);
  return path;
}

const KEY = 'k'.repeat(43);
const enough = {
  COUNTERSIGN_STATE_DIR: '/var/lib/countersign',
  COUNTERSIGN_KAFKA_BROKERS: 'kafka-0:9092,kafka-1:9092',
  COUNTERSIGN_LANES: '8',
  COUNTERSIGN_TRUSTED_KEYS: `policy=${KEY},signer=${KEY}`,
  COUNTERSIGN_VAULT_ADDRESS: 'https://vault:8200',
  COUNTERSIGN_VAULT_ROLE_ID: 'role',
  COUNTERSIGN_VAULT_SECRET_ID_FILE: fileOf('secret-id'),
  COUNTERSIGN_CHAINS: 'eip155:84532=http://127.0.0.1:8545',
  COUNTERSIGN_WEBHOOK_URL: 'https://hooks.example/countersign',
  COUNTERSIGN_PUBLIC_URL: 'https://pay.example',
};

function faultsOf(environment: Record<string, string>): string[] {
  try {
    readSettings(Settings, environment);
  } catch (error) {
    if (error instanceof SettingsInvalid) return error.message.split('\n');
    throw error;
  }
  return [];
}

describe('the settings of a service', () => {
  it('are read from text', () => {
    const settings = readSettings(Settings, {
      ...enough,
      COUNTERSIGN_CHAINS: 'eip155:8453=https://node.example/?key=a=b',
      COUNTERSIGN_TOKENS: `0x${'AB'.repeat(20)}`,
      PATH: '/bin',
    });
    expect(settings).toMatchObject({
      COUNTERSIGN_HOST: '127.0.0.1',
      COUNTERSIGN_PORT: 8080,
      COUNTERSIGN_LANES: 8,
      COUNTERSIGN_KAFKA_BROKERS: ['kafka-0:9092', 'kafka-1:9092'],
      COUNTERSIGN_TRUSTED_KEYS: [
        { service: 'policy', publicKey: KEY },
        { service: 'signer', publicKey: KEY },
      ],
      COUNTERSIGN_CHAINS: [{ network: 'eip155:8453', rpcUrl: 'https://node.example/?key=a=b' }],
      COUNTERSIGN_TOKENS: [`0x${'ab'.repeat(20)}`],
      COUNTERSIGN_POLL_MS: 1000,
    });
  });

  it('may give a pinned key an end', () => {
    const endsAt = (text: string) => ({
      ...enough,
      COUNTERSIGN_TRUSTED_KEYS: `policy=${KEY}@${text},policy=${'n'.repeat(43)}`,
    });
    expect(readSettings(Settings, endsAt('1790000000000')).COUNTERSIGN_TRUSTED_KEYS).toEqual([
      { service: 'policy', publicKey: KEY, untilMs: 1_790_000_000_000 },
      { service: 'policy', publicKey: 'n'.repeat(43) },
    ]);
    for (const text of ['', '-1', '1e9', '2026-11-22', '1@2'])
      expect(faultsOf(endsAt(text))[0]).toMatch(/^COUNTERSIGN_TRUSTED_KEYS/);
  });

  it('report all their faults together', () => {
    const faults = faultsOf({
      ...enough,
      COUNTERSIGN_PORT: '70000',
      COUNTERSIGN_LANES: 'many',
      COUNTERSIGN_KAFKA_BROKERS: 'kafka',
      COUNTERSIGN_TRUSTED_KEYS: 'policy=short',
      COUNTERSIGN_CHAINS: 'eip155:1=ftp://node',
      COUNTERSIGN_PROT: '1',
    });
    expect(faults.map((fault) => fault.split(/[.:]/)[0]).sort()).toEqual([
      'COUNTERSIGN_CHAINS',
      'COUNTERSIGN_KAFKA_BROKERS',
      'COUNTERSIGN_LANES',
      'COUNTERSIGN_PORT',
      'COUNTERSIGN_PROT',
      'COUNTERSIGN_TRUSTED_KEYS',
    ]);
  });

  it.each(['https://node.example/sEcReT', 'eip155:8453=ftp://node.example/sEcReT'])(
    'do not repeat %s, which may hold a key, in a fault',
    (chain) => {
      const faults = faultsOf({ ...enough, COUNTERSIGN_CHAINS: chain });
      expect(faults).toEqual([expect.stringMatching(/is not <CAIP-2>=<URL>$/)]);
      expect(faults[0]).not.toContain('sEcReT');
    },
  );

  it('have no default for what only whoever deploys can know', () => {
    const { COUNTERSIGN_VAULT_SECRET_ID_FILE: _, ...named } = enough;
    expect(
      faultsOf({})
        .map((fault) => fault.split(':')[0])
        .sort(),
    ).toEqual(Object.keys(named).sort());
  });

  it.each(['COUNTERSIGN_KAFKA_BROKERS', 'COUNTERSIGN_TRUSTED_KEYS', 'COUNTERSIGN_CHAINS'])(
    'want one of %s',
    (name) => {
      expect(faultsOf({ ...enough, [name]: '' })[0]).toContain(`${name}: at least one`);
    },
  );
});

describe('the files that settings name', () => {
  const held = {
    COUNTERSIGN_KAFKA_SASL_FILE: '{"mechanism":"plain","username":"u","password":"sEcReT"}',
    COUNTERSIGN_OTLP_HEADERS_FILE: '{"authorization":"sEcReT"}',
    COUNTERSIGN_VAULT_SECRET_ID_FILE: 'sEcReT\n',
    COUNTERSIGN_REDIS_URL_FILE: 'rediss://user:sEcReT@redis:6380\n',
    COUNTERSIGN_CLICKHOUSE_URL_FILE: 'http://user:sEcReT@clickhouse:8123',
    COUNTERSIGN_GAS_KEY_FILE: `0x${'5e'.repeat(32)}\n`,
  };
  const filesOf = (texts: Record<string, string>) =>
    Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, fileOf(text)]));

  it('may be all that they should be', () => {
    expect(faultsOf({ ...enough, ...filesOf(held) })).toEqual([]);
  });

  it('are named together with every other fault where they cannot be read', () => {
    const missing = Object.fromEntries(Object.keys(held).map((name) => [name, '/no/such/file']));
    expect(faultsOf({ ...enough, ...missing, COUNTERSIGN_PORT: 'http' }).sort()).toEqual(
      [
        ...Object.keys(held).map((name) => `${name}: /no/such/file cannot be read`),
        'COUNTERSIGN_PORT: a whole number',
      ].sort(),
    );
  });

  it('are named where they hold something else, which is not told', () => {
    const wrong = Object.fromEntries(
      Object.keys(held).map((name) => [name, name.includes('VAULT') ? '\n' : 'ftp://sEcReT']),
    );
    const faults = faultsOf({ ...enough, ...filesOf(wrong) });
    expect(faults.map((fault) => fault.split(':')[0])).toEqual(Object.keys(held));
    expect(faults.join()).not.toContain('sEcReT');
  });
});

describe('a login to Vault', () => {
  const {
    COUNTERSIGN_VAULT_ROLE_ID: _role,
    COUNTERSIGN_VAULT_SECRET_ID_FILE: _file,
    ...rest
  } = enough;
  const appRole = {
    COUNTERSIGN_VAULT_ROLE_ID: 'role',
    COUNTERSIGN_VAULT_SECRET_ID_FILE: enough.COUNTERSIGN_VAULT_SECRET_ID_FILE,
  };
  const role = { COUNTERSIGN_VAULT_KUBERNETES_ROLE: 'countersign-policy' };
  const token = { COUNTERSIGN_VAULT_KUBERNETES_TOKEN_FILE: fileOf('token') };

  it.each([appRole, { ...role, ...token }])('is %o', (login) => {
    expect(faultsOf({ ...rest, ...login })).toEqual([]);
  });

  it.each([
    {},
    { COUNTERSIGN_VAULT_ROLE_ID: 'role' },
    { ...appRole, ...role, ...token },
    { ...appRole, ...token },
    { COUNTERSIGN_VAULT_ROLE_ID: 'role', ...role, ...token },
    token,
  ])('is not %o', (login) => {
    expect(faultsOf({ ...rest, ...login })).toEqual([
      expect.stringMatching(/^COUNTERSIGN_VAULT_ROLE_ID: .* and not both$/),
    ]);
  });

  it('by Kubernetes needs the token to be where it is said to be', () => {
    const missing = { COUNTERSIGN_VAULT_KUBERNETES_TOKEN_FILE: '/no/such/token' };
    expect(faultsOf({ ...rest, ...role, ...missing })).toEqual([
      'COUNTERSIGN_VAULT_KUBERNETES_TOKEN_FILE: /no/such/token cannot be read',
    ]);
    expect(faultsOf({ ...rest, ...role })).toEqual([
      expect.stringContaining('serviceaccount/token cannot be read'),
    ]);
  });
});

describe('a login to Kafka', () => {
  it('is named by its file, never by what it holds', () => {
    expect(() => readSasl(import.meta.filename)).toThrow(SettingsInvalid);
    expect(() => readSasl('/no/such/file')).toThrow('/no/such/file is not JSON with mechanism');
  });
});
