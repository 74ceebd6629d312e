import { SERVICES, type Service } from '@countersign/contracts';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { z } from 'zod';
import { setupOptionsOf } from '../../apps/cli/src/testing/setup-options.ts';
import { VALUES, found, manifestsOf, podOf, secretAt, templateOf, workload } from './chart.ts';

/** The one file that a service is told to write. */
const WRITTEN_BY_ITSELF = 'COUNTERSIGN_OWNER_CREDENTIAL_FILE';

interface Key {
  readonly secret: string;
  readonly key: string;
}
type Files = Readonly<Record<string, Key>>;
/** Where the examples have what is in files from. */
const SECRETS: Readonly<
  Record<(typeof VALUES)[number], Partial<Readonly<Record<Service | 'all', Files>>>>
> = {
  external: {
    all: { COUNTERSIGN_KAFKA_SASL_FILE: { secret: 'kafka-login', key: 'sasl.json' } },
    policy: { COUNTERSIGN_REDIS_URL_FILE: { secret: 'redis', key: 'url' } },
    settlement: { COUNTERSIGN_GAS_KEY_FILE: { secret: 'gas', key: 'gas.key' } },
    recorder: { COUNTERSIGN_CLICKHOUSE_URL_FILE: { secret: 'clickhouse', key: 'url' } },
  },
  bundled: {
    policy: { COUNTERSIGN_REDIS_URL_FILE: { secret: 'cs-bundled', key: 'redis-url' } },
    recorder: { COUNTERSIGN_CLICKHOUSE_URL_FILE: { secret: 'cs-bundled', key: 'clickhouse-url' } },
  },
};
const VAULT_TOKEN = '/run/vault/token';
const SET_UP = {
  external: {
    options: {
      apply: true,
      brokers: 'kafka-0.kafka:9093,kafka-1.kafka:9093',
      lanes: '32',
      replication: '3',
      prefix: '',
      tls: true,
      saslFile: '/run/kafka/sasl.json',
      agents: '/run/setup/agents.yaml',
      vault: 'https://vault.vault:8200',
      vaultTokenFile: VAULT_TOKEN,
    },
    token: { secret: 'countersign-setup', key: 'token' },
    login: { secret: 'kafka-setup-login', key: 'sasl.json' },
  },
  bundled: {
    options: {
      apply: true,
      brokers: 'cs-kafka:9092',
      lanes: '8',
      replication: '1',
      prefix: '',
      vault: 'http://cs-vault:8200',
      vaultTokenFile: VAULT_TOKEN,
    },
    token: { secret: 'cs-bundled', key: 'token' },
    login: undefined,
  },
};

const Budget = z.object({
  maxUnavailable: z.literal(1),
  selector: z.object({ matchLabels: z.record(z.string(), z.string()) }),
});

describe.each(VALUES)('the pods of the chart with %s servers', (values) => {
  const manifests = manifestsOf(values);

  it('are taken for alive while they answer, and for ready once they have caught up', () => {
    for (const service of SERVICES) {
      const [container] = podOf(workload(manifests, service)).containers;
      const { startupProbe, livenessProbe, readinessProbe } = container;
      const paths = [startupProbe, livenessProbe, readinessProbe].map((it) => it?.httpGet?.path);
      expect(paths, service).toEqual(['/healthz', '/healthz', '/readyz']);
    }
  });

  it('are disrupted one at a time, each service by itself', () => {
    for (const service of SERVICES) {
      const { spec } = found(manifests, 'PodDisruptionBudget', `cs-${service}`);
      const { matchLabels } = Budget.parse(spec).selector;
      const chosen = manifests
        .filter(({ kind }) => kind === 'StatefulSet' || kind === 'Job')
        .filter((it) => {
          const { labels } = templateOf(it).metadata;
          return Object.entries(matchLabels).every(([name, value]) => labels[name] === value);
        });
      expect(chosen.map(({ metadata }) => metadata.name)).toEqual([`cs-${service}`]);
    }
  });

  it('have every file that a setting names, out of the Secret that the values name', () => {
    for (const service of SERVICES) {
      const pod = podOf(workload(manifests, service));
      const files = pod.containers[0].env
        .filter(({ name }) => name.endsWith('_FILE') && name !== WRITTEN_BY_ITSELF)
        .map(({ name, value = '' }) => [name, secretAt(pod, value)] as const);
      expect(Object.fromEntries(files), service).toEqual({
        COUNTERSIGN_VAULT_SECRET_ID_FILE: {
          secret: 'countersign-logins',
          key: `${service}.secret-id`,
        },
        ...SECRETS[values].all,
        ...SECRETS[values][service],
      });
    }
  });

  it('mounts for each service its own login and nobody else’s', () => {
    const manifests = manifestsOf(values);
    for (const service of SERVICES) {
      const text = stringify(workload(manifests, service));
      const keys = [...text.matchAll(/key: (\S+\.(?:role|secret)-id)/g)].map(([, key]) => key);
      expect(new Set(keys)).toEqual(new Set([`${service}.role-id`, `${service}.secret-id`]));
    }
  });

  it('of set-up are told what its command takes, and have the files that it names', () => {
    const pod = podOf(found(manifests, 'Job'));
    const [program, name, ...args] = pod.containers[0].args;
    expect([program, name]).toEqual(['apps/cli/src/main.ts', 'setup']);
    const { options, token, login } = SET_UP[values];
    expect(setupOptionsOf(args)).toEqual({ options, operands: [], unknown: [] });
    expect(secretAt(pod, VAULT_TOKEN)).toEqual(token);
    expect(secretAt(pod, '/run/kafka/sasl.json')).toEqual(login);
  });
});
