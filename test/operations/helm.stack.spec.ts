import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { AgentsFile } from '@countersign/adapter-kafka';
import { SERVICES } from '@countersign/contracts';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { fetchKubernetesValidate } from '../../deploy/local/helm.mjs';
import {
  CHART,
  type Pod,
  VALUES,
  fileOf,
  found,
  helm,
  manifestsOf,
  podOf,
  programs,
  render,
  secretAt,
  textAt,
  workload,
} from './chart.ts';
import { faultsOf } from './settings.ts';

/** Whose schemas Kubernetes does not have. */
const OPERATOR = 'monitoring.coreos.com/v1';
/** The validator is fetched the first time. */
const FETCH_MAX_MS = 600_000;
const KEY = 'k'.repeat(43);
/** What the Secrets of the examples would hold. */
const SECRET: Readonly<Record<string, string>> = {
  COUNTERSIGN_VAULT_ROLE_ID: 'role',
  COUNTERSIGN_CHAINS: 'eip155:8453=https://node.example/key',
  COUNTERSIGN_TRUSTED_KEYS: `policy=${KEY}`,
};

describe.each(VALUES)('the chart with %s servers', (values) => {
  it('has nothing that helm lint minds', () => {
    const said = execFileSync(helm, ['lint', '--strict', CHART, '-f', fileOf(values)], {
      encoding: 'utf8',
    });
    expect(said).toContain('0 chart(s) failed');
  });

  it(
    'is what Kubernetes takes, by its own schemas',
    async () => {
      const folder = mkdtempSync(join(tmpdir(), 'countersign-helm-'));
      onTestFinished(() => rmSync(folder, { recursive: true }));
      const file = join(folder, 'manifests.yaml');
      const texts = render(values).stdout.split(/^---$/m);
      const theirs = texts.filter((text) => !text.includes(`apiVersion: ${OPERATOR}`));
      writeFileSync(file, theirs.join('---'));
      const [python, ...args] = await fetchKubernetesValidate();
      const { stdout, stderr, status } = spawnSync(python, [...args, '--strict', '--quiet', file], {
        encoding: 'utf8',
      });
      expect(status, stdout + stderr).toBe(0);
    },
    FETCH_MAX_MS,
  );

  it('gives every service the settings it wants, its own program, and few rights', () => {
    const manifests = manifestsOf(values);
    for (const service of SERVICES) {
      const pod = podOf(workload(manifests, service));
      const [container] = pod.containers;
      expect(container.args).toEqual([`apps/${service}/src/main.ts`]);
      expect(container.securityContext).toMatchObject({
        readOnlyRootFilesystem: true,
        allowPrivilegeEscalation: false,
      });
      expect(pod).toMatchObject({
        automountServiceAccountToken: false,
        securityContext: { runAsNonRoot: true },
      });
      const env = container.env.map(({ name, value }) => [name, value ?? SECRET[name]]);
      expect(faultsOf(service, Object.fromEntries(env) as Record<string, string>)).toEqual([]);
    }
  });

  it('lets set-up make the topics of the agents that are named, and only then', () => {
    const manifests = manifestsOf(values);
    const job = manifests.find(({ kind }) => kind === 'Job');
    const file = manifests.find(
      ({ kind, metadata: it }) => kind === 'ConfigMap' && it.name === 'cs-setup',
    );
    const args = job ? podOf(job).containers[0].args : undefined;
    const isNamed = values === 'external';
    expect(args?.includes('--agents=/run/setup/agents.yaml')).toBe(isNamed);
    expect(file !== undefined).toBe(isNamed);
    if (file)
      expect(
        AgentsFile.parse(
          parse(z.record(z.string(), z.string()).parse(file['data'])['agents.yaml'] ?? ''),
        ),
      ).toEqual([{ tenant: 'default', agent: 'research-1', principal: 'User:research-1' }]);
  });
});

describe('servers of one’s own', () => {
  it('may have certificates from authorities that are not public', () => {
    for (const pod of programs(manifestsOf('external'))) {
      const file = pod.containers[0].env.find(({ name }) => name === 'NODE_EXTRA_CA_CERTS')?.value;
      expect(secretAt(pod, file ?? '')).toEqual({ secret: 'internal-ca', key: 'ca.crt' });
    }
  });

  it('and need not', () => {
    expect(render('bundled').stdout).not.toContain('NODE_EXTRA_CA_CERTS');
  });

  it('know set-up by a login of its own, who may do what no service may', () => {
    const logins = (pods: readonly Pod[]) =>
      pods.map(({ volumes }) => volumes.find(({ name }) => /kafka/.test(name))?.secret?.secretName);
    const everybodys = SERVICES.map(() => 'kafka-login');
    const own = programs(manifestsOf('external'));
    expect(logins(own)).toEqual([...everybodys, 'kafka-setup-login']);
    const shared = programs(manifestsOf('external', '--set', 'setup.kafkaSasl.secret='));
    expect(logins(shared)).toEqual([...everybodys, 'kafka-login']);
  });

  it('keep Vault’s keys in a namespace that set-up is told too', () => {
    const setting = 'settings.COUNTERSIGN_VAULT_NAMESPACE=team-a';
    const pods = programs(manifestsOf('external', '--set-string', setting));
    expect(pods.at(-1)?.containers[0].args).toContain('--vault-namespace=team-a');
    const told = { name: 'COUNTERSIGN_VAULT_NAMESPACE', value: 'team-a' };
    for (const pod of pods.slice(0, -1)) expect(pod.containers[0].env).toContainEqual(told);
  });
});

describe('bundled servers', () => {
  it('may have any password', () => {
    const password = 'a/b@c:d e+f%g#h?i';
    const set = ['--set-string', `bundled.clickhousePassword=${password}`];
    const secret = found(manifestsOf('bundled', ...set), 'Secret');
    const texts = z.record(z.string(), z.string()).parse(secret['stringData']);
    const url = new URL(texts['clickhouse-url'] ?? '');
    expect(decodeURIComponent(url.password)).toBe(password);
    expect(url.host).toBe('cs-clickhouse:8123');
  });

  it('keep Kafka’s records below the top of their volume, where a file system has its own `lost+found`', () => {
    const [container] = podOf(found(manifestsOf('bundled'), 'StatefulSet', 'cs-kafka')).containers;
    const folder = container.env.find(({ name }) => name === 'KAFKA_LOG_DIRS')?.value ?? '';
    expect(container.volumeMounts.map(({ mountPath }) => mountPath)).toEqual([dirname(folder)]);
  });
});

it('is of the version of the program', () => {
  const versionOf = (file: string) =>
    z.looseObject({ version: z.string() }).parse(parse(textAt(file))).version;
  expect(versionOf('helm/countersign/Chart.yaml')).toBe(versionOf('package.json'));
});
