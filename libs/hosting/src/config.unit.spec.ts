import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  ChainSettings,
  NotifierSettings,
  ServiceSettings,
  SettingsInvalid,
  TokenList,
  VaultSettings,
  count,
  readSasl,
  readSettings,
} from './config.ts';

const Settings = z.strictObject({
  ...ServiceSettings,
  ...VaultSettings,
  ...ChainSettings,
  ...NotifierSettings,
  COUNTERSIGN_TOKENS: TokenList.default([]),
  COUNTERSIGN_POLL_MS: count(50, 60_000).default(1_000),
});

const KEY = 'k'.repeat(43);
const enough = {
  COUNTERSIGN_STATE_DIR: '/var/lib/countersign',
  COUNTERSIGN_KAFKA_BROKERS: 'kafka-0:9092,kafka-1:9092',
  COUNTERSIGN_LANES: '8',
  COUNTERSIGN_TRUSTED_KEYS: `policy=${KEY},signer=${KEY}`,
  COUNTERSIGN_VAULT_ADDRESS: 'https://vault:8200',
  COUNTERSIGN_VAULT_ROLE_ID: 'role',
  COUNTERSIGN_VAULT_SECRET_ID_FILE: '/run/secret',
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
    expect(faultsOf({}).map((fault) => fault.split(':')[0])).toEqual(Object.keys(enough));
  });

  it.each(['COUNTERSIGN_KAFKA_BROKERS', 'COUNTERSIGN_TRUSTED_KEYS'])('want one of %s', (name) => {
    expect(faultsOf({ ...enough, [name]: '' })[0]).toContain(`${name}: at least one`);
  });
});

describe('a login to Kafka', () => {
  it('is named by its file, never by what it holds', () => {
    expect(() => readSasl(import.meta.filename)).toThrow(SettingsInvalid);
    expect(() => readSasl('/no/such/file')).toThrow('/no/such/file is not JSON with mechanism');
  });
});
