import { SettingsInvalid } from '@countersign/hosting/telemetry';
import { describe, expect, it } from 'vitest';
import { readSettings } from '../../apps/standalone/src/config.ts';
import { SETTINGS } from '../../deploy/settings.ts';

function faultsOf(environment: Record<string, string>): string[] {
  try {
    readSettings(environment);
  } catch (error) {
    if (error instanceof SettingsInvalid) return error.message.split('\n');
    throw error;
  }
  return [];
}

describe('the settings of the standalone app', () => {
  it('have defaults that reach nothing outside this machine', () => {
    expect(readSettings({})).toEqual({
      COUNTERSIGN_DATA_DIR: '.local/standalone',
      COUNTERSIGN_HOST: '127.0.0.1',
      COUNTERSIGN_PORT: 4020,
      COUNTERSIGN_LANES: 8,
      COUNTERSIGN_CHAINS: [],
      COUNTERSIGN_TOKENS: ['0x036cbd53842c5426634e7929541ec2318f3dcf7e'],
      COUNTERSIGN_CEILING_PER_PAYMENT: '100000000',
      COUNTERSIGN_CEILING_PER_DAY: '1000000000',
      COUNTERSIGN_REVOKED_KEY_KEPT_HOURS: 24,
      COUNTERSIGN_POLL_MS: 1000,
      COUNTERSIGN_VERIFY_AT_START: 'no',
      COUNTERSIGN_WEBHOOK_ALLOW_PRIVATE: 'no',
      COUNTERSIGN_EVENT_STORE: 'on',
      COUNTERSIGN_LOG_LEVEL: 'info',
      COUNTERSIGN_TRACE_RATIO: 1,
    });
  });

  it('are read from text', () => {
    const settings = readSettings({
      COUNTERSIGN_PORT: '0',
      COUNTERSIGN_CHAINS:
        'eip155:84532=https://node.example/?key=a=b,eip155:31337=http://[::1]:8545',
      COUNTERSIGN_TOKENS: `0x${'AB'.repeat(20)},0x${'1'.repeat(40)}`,
      COUNTERSIGN_CEILING_PER_DAY: '5',
    });
    expect(settings).toMatchObject({
      COUNTERSIGN_PORT: 0,
      COUNTERSIGN_CHAINS: [
        { network: 'eip155:84532', rpcUrl: 'https://node.example/?key=a=b' },
        { network: 'eip155:31337', rpcUrl: 'http://[::1]:8545' },
      ],
      COUNTERSIGN_TOKENS: [`0x${'ab'.repeat(20)}`, `0x${'1'.repeat(40)}`],
      COUNTERSIGN_CEILING_PER_DAY: '5',
    });
  });

  it('report all their faults together', () => {
    const faults = faultsOf({
      COUNTERSIGN_PORT: '70000',
      COUNTERSIGN_LANES: 'many',
      COUNTERSIGN_CHAINS: 'nonsense',
      COUNTERSIGN_CEILING_PER_PAYMENT: '1.5',
      COUNTERSIGN_LOG_LEVEL: 'loud',
      COUNTERSIGN_PROT: '1',
    });
    expect(faults.map((fault) => fault.split(':')[0]).sort()).toEqual([
      'COUNTERSIGN_CEILING_PER_PAYMENT',
      'COUNTERSIGN_CHAINS.0',
      'COUNTERSIGN_LANES',
      'COUNTERSIGN_LOG_LEVEL',
      'COUNTERSIGN_PORT',
      'COUNTERSIGN_PROT',
    ]);
  });

  it('name every variable of ours that is no setting', () => {
    expect(faultsOf({ COUNTERSIGN_PROT: '1', COUNTERSIGN_X: '2' })).toEqual([
      'COUNTERSIGN_PROT, COUNTERSIGN_X: no such setting',
    ]);
  });

  it('leave alone what is not ours, and what is the command’s', () => {
    expect(
      faultsOf({
        PATH: '/bin',
        MY_COUNTERSIGN_X: '1',
        COUNTERSIGN_URL: 'http://127.0.0.1:4020',
        COUNTERSIGN_CREDENTIAL_FILE: '/tmp/owner',
      }),
    ).toEqual([]);
  });

  it.each(['eip155:1', 'eip155:8453'])('refuse the real network %s', (network) => {
    const chains = `eip155:84532=http://127.0.0.1:8545,${network}=http://127.0.0.1:8546`;
    const faults = faultsOf({ COUNTERSIGN_CHAINS: chains });
    expect(faults).toHaveLength(1);
    expect(faults[0]).toContain(`${network} is a real network`);
  });

  it.each(['eip155:84532', 'eip155:84532=', 'eip155:84532=ftp://node.example', 'base=http://a'])(
    'refuse the chain "%s"',
    (chain) => {
      expect(faultsOf({ COUNTERSIGN_CHAINS: chain })[0]).toContain('is not <CAIP-2>=<URL>');
    },
  );

  it.each(['-1', '65536', '80.5', 'http'])('refuse the port "%s"', (port) => {
    expect(faultsOf({ COUNTERSIGN_PORT: port })).toHaveLength(1);
  });
});

describe('the ceilings of the signer', () => {
  const ceilings = (perPayment: string, perDay: string) =>
    SETTINGS.signer
      .safeParse({
        COUNTERSIGN_STATE_DIR: '/var/lib/countersign',
        COUNTERSIGN_KAFKA_BROKERS: 'kafka:9092',
        COUNTERSIGN_LANES: '8',
        COUNTERSIGN_TRUSTED_KEYS: `signer=${'k'.repeat(43)}`,
        COUNTERSIGN_VAULT_ADDRESS: 'https://vault:8200',
        COUNTERSIGN_VAULT_ROLE_ID: 'role',
        COUNTERSIGN_VAULT_SECRET_ID_FILE: '/run/secret',
        COUNTERSIGN_CHAINS: 'eip155:84532=http://127.0.0.1:8545',
        COUNTERSIGN_CEILING_PER_PAYMENT: perPayment,
        COUNTERSIGN_CEILING_PER_DAY: perDay,
      })
      .error?.issues.map(({ path }) => path.join('.')) ?? [];

  it('let one payment move no more than a day', () => {
    expect(ceilings('9', '10')).toEqual([]);
    expect(ceilings('10', '10')).toEqual([]);
    expect(ceilings('10', '9')).toEqual(['COUNTERSIGN_CEILING_PER_PAYMENT']);
  });
});
