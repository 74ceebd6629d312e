import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { AgentsFile } from '@countersign/adapter-kafka';
import { SERVICES, type Service } from '@countersign/contracts';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { parse, parseAllDocuments, stringify } from 'yaml';
import { z } from 'zod';
import { fetchHelm, fetchKubernetesValidate } from '../../deploy/local/helm.mjs';
import { SETTINGS } from '../../deploy/settings.ts';
import { ROOT } from '../repo/tree.ts';
import { PATHS } from './paths.ts';
import { faultsOf } from './settings.ts';

const CHART = join(ROOT, 'helm/countersign');
const VALUES = ['external', 'bundled'] as const;
const BUILD_MAX_MS = 600_000;
const KEY = 'k'.repeat(43);

const Manifest = z.looseObject({
  kind: z.string(),
  metadata: z.looseObject({
    name: z.string(),
    annotations: z.record(z.string(), z.string()).optional(),
  }),
  spec: z.looseObject({}).optional(),
});
type Manifest = z.infer<typeof Manifest>;
const Env = z.looseObject({ name: z.string(), value: z.string().optional() });
const Mount = z.looseObject({ name: z.string(), mountPath: z.string() });
const Server = z.looseObject({ env: z.array(Env), volumeMounts: z.array(Mount) });
const Volume = z.looseObject({
  name: z.string(),
  secret: z.looseObject({ secretName: z.string() }).optional(),
});
const Pod = z.looseObject({
  automountServiceAccountToken: z.boolean(),
  securityContext: z.looseObject({ runAsNonRoot: z.boolean() }),
  containers: z
    .array(
      z.looseObject({
        args: z.array(z.string()),
        env: z.array(Env).default([]),
        volumeMounts: z.array(Mount),
        securityContext: z.looseObject({
          readOnlyRootFilesystem: z.boolean(),
          allowPrivilegeEscalation: z.boolean(),
        }),
      }),
    )
    .length(1),
  volumes: z.array(Volume).default([]),
});

let helm = '';
beforeAll(async () => {
  helm = await fetchHelm();
}, BUILD_MAX_MS);

function fileOf(values: string): string {
  return join(CHART, 'ci', `${values}.yaml`);
}

function render(values: string, ...more: readonly string[]) {
  return spawnSync(helm, ['template', 'cs', CHART, '-f', fileOf(values), ...more], {
    encoding: 'utf8',
  });
}

function manifestsOf(values: string, ...more: readonly string[]): readonly Manifest[] {
  const { stdout, stderr, status } = render(values, ...more);
  expect(status, stderr).toBe(0);
  return parseAllDocuments(stdout)
    .map((document) => document.toJS() as unknown)
    .filter((it) => it !== null)
    .map((it) => Manifest.parse(it));
}

function podOf({ spec }: Manifest): z.infer<typeof Pod> {
  return z.looseObject({ template: z.looseObject({ spec: Pod }) }).parse(spec).template.spec;
}

function workload(manifests: readonly Manifest[], service: Service): Manifest {
  const found = manifests.find(
    ({ kind, metadata }) => kind === 'StatefulSet' && metadata.name === `cs-${service}`,
  );
  if (!found) throw new Error(`no workload for ${service}`);
  return found;
}

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
      writeFileSync(file, render(values).stdout);
      const [python, ...args] = await fetchKubernetesValidate();
      const { stdout, stderr, status } = spawnSync(python, [...args, '--strict', '--quiet', file], {
        encoding: 'utf8',
      });
      expect(status, stdout + stderr).toBe(0);
    },
    BUILD_MAX_MS,
  );

  it('gives every service the settings it wants, its own program, and few rights', () => {
    const manifests = manifestsOf(values);
    for (const service of SERVICES) {
      const pod = podOf(workload(manifests, service));
      const [container] = pod.containers;
      expect(container?.args).toEqual([`apps/${service}/src/main.ts`]);
      expect(container?.securityContext).toMatchObject({
        readOnlyRootFilesystem: true,
        allowPrivilegeEscalation: false,
      });
      expect(pod).toMatchObject({
        automountServiceAccountToken: false,
        securityContext: { runAsNonRoot: true },
      });
      const env = (container?.env ?? []).map(({ name, value }) => [name, value ?? SECRET[name]]);
      expect(faultsOf(service, Object.fromEntries(env) as Record<string, string>)).toEqual([]);
    }
  });

  it('lets set-up make the topics of the agents that are named, and only then', () => {
    const manifests = manifestsOf(values);
    const job = manifests.find(({ kind }) => kind === 'Job');
    const file = manifests.find(
      ({ kind, metadata: it }) => kind === 'ConfigMap' && it.name === 'cs-setup',
    );
    const args = job ? podOf(job).containers[0]?.args : undefined;
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

  it('asks replicas only what they answer', () => {
    const { stdout } = render(values);
    const paths = [...stdout.matchAll(/httpGet: \{ path: (\S+),/g)].map(([, path]) => path);
    expect(new Set(paths)).toEqual(new Set(['/healthz', '/readyz']));
  });

  it('lets nobody bring requests to the signer, nor it reach what it does not need', () => {
    const policies = manifestsOf(values).filter(({ kind }) => kind === 'NetworkPolicy');
    const signer = JSON.stringify(policies.find(({ metadata }) => metadata.name === 'cs-signer'));
    expect(signer).toContain('"kubernetes.io/metadata.name":"monitoring"');
    expect(signer).not.toContain('ingress-nginx');
    expect(signer).not.toMatch(/redis|clickhouse/);
    expect(policies).toHaveLength(SERVICES.length + 1);
  });

  it('mounts for each service its own login and nobody else’s', () => {
    const manifests = manifestsOf(values);
    for (const service of SERVICES) {
      const text = stringify(workload(manifests, service));
      const keys = [...text.matchAll(/key: (\S+\.(?:role|secret)-id)/g)].map(([, key]) => key);
      expect(new Set(keys)).toEqual(new Set([`${service}.role-id`, `${service}.secret-id`]));
    }
  });
});

/** Programs of ours: services and set-up. */
function programs(manifests: readonly Manifest[]): readonly z.infer<typeof Pod>[] {
  const job = manifests.filter(({ kind }) => kind === 'Job');
  return [...SERVICES.map((service) => workload(manifests, service)), ...job].map(podOf);
}

describe('the ingress', () => {
  const Ingress = z.looseObject({
    rules: z.array(
      z.looseObject({
        http: z.looseObject({
          paths: z.array(
            z.looseObject({
              path: z.string(),
              pathType: z.literal('ImplementationSpecific'),
              backend: z.looseObject({ service: z.looseObject({ name: z.string() }) }),
            }),
          ),
        }),
      }),
    ),
  });
  let placeOf: (path: string) => string | undefined;

  beforeAll(() => {
    const ingress = manifestsOf('external').find(({ kind }) => kind === 'Ingress');
    const [rule] = Ingress.parse(ingress?.spec).rules;
    // As ingress-nginx does it: by descending length, whatever the order here, and the first that fits wins.
    const places = (rule?.http.paths ?? []).toSorted(
      (a, b) => b.path.length - a.path.length || (a.path > b.path ? -1 : 1),
    );
    placeOf = (asked) =>
      places.find(({ path }) => new RegExp(`^${path}`, 'i').test(asked))?.backend.service.name;
  });

  it.each(PATHS)('leads %s to %s', (path, service) => {
    expect(placeOf(path)).toBe(`cs-${service}`);
  });

  it('leads /metrics to nobody', () => {
    expect(placeOf('/metrics')).toBeUndefined();
  });
});

describe('servers of one’s own', () => {
  it('may have certificates from authorities that are not public', () => {
    for (const pod of programs(manifestsOf('external'))) {
      const [container] = pod.containers;
      const file = container?.env.find(({ name }) => name === 'NODE_EXTRA_CA_CERTS')?.value ?? '';
      const mount = container?.volumeMounts.find(({ mountPath }) => mountPath === dirname(file));
      const volume = pod.volumes.find(({ name }) => name === mount?.name);
      expect(volume?.secret).toMatchObject({
        secretName: 'internal-ca',
        items: [{ key: 'ca.crt', path: basename(file) }],
      });
    }
  });

  it('and need not', () => {
    expect(render('bundled').stdout).not.toContain('NODE_EXTRA_CA_CERTS');
  });

  it('know set-up by a login of its own, who may do what no service may', () => {
    const sasl = (pod: z.infer<typeof Pod> | undefined) =>
      pod?.volumes.find(({ name }) => /kafka/.test(name))?.secret;
    const pods = programs(manifestsOf('external'));
    expect(sasl(pods.at(-1))).toMatchObject({
      secretName: 'kafka-setup-login',
      items: [{ key: 'sasl.json', path: 'sasl.json' }],
    });
    expect(pods.slice(0, -1).map((pod) => sasl(pod)?.secretName)).toEqual(
      SERVICES.map(() => 'kafka-login'),
    );
    const shared = programs(manifestsOf('external', '--set', 'setup.kafkaSasl.secret='));
    expect(sasl(shared.at(-1))?.secretName).toBe('kafka-login');
  });

  it('keep Vault’s keys in a namespace that set-up is told too', () => {
    const setting = 'settings.COUNTERSIGN_VAULT_NAMESPACE=team-a';
    const pods = programs(manifestsOf('external', '--set-string', setting));
    expect(pods.at(-1)?.containers[0]?.args).toContain('--vault-namespace=team-a');
    const told = { name: 'COUNTERSIGN_VAULT_NAMESPACE', value: 'team-a' };
    for (const pod of pods.slice(0, -1)) expect(pod.containers[0]?.env).toContainEqual(told);
  });

  const EVERYBODYS = [53, 9093, 8200, 4318];
  it.each([
    ['intake', EVERYBODYS],
    ['policy', [...EVERYBODYS, 6380]],
    ['approval', [...EVERYBODYS, 443]],
    ['signer', [...EVERYBODYS, 443]],
    ['settlement', [...EVERYBODYS, 443]],
    ['alerting', [...EVERYBODYS, 443]],
    ['recorder', [...EVERYBODYS, 8443]],
    ['setup', [53, 9093, 8200]],
  ])('are what %s reaches, and no others', (component, ports) => {
    const found = manifestsOf('external').find(
      ({ kind, metadata }) => kind === 'NetworkPolicy' && metadata.name === `cs-${component}`,
    );
    const { egress } = z
      .looseObject({
        egress: z.array(z.looseObject({ ports: z.array(z.looseObject({ port: z.number() })) })),
      })
      .parse(found?.spec);
    const open = egress.flatMap((rule) => rule.ports.map(({ port }) => port));
    expect(new Set(open)).toEqual(new Set(ports));
  });
});

describe('bundled servers', () => {
  it('may have any password', () => {
    const password = 'a/b@c:d e+f%g#h?i';
    const set = ['--set-string', `bundled.clickhousePassword=${password}`];
    const secret = manifestsOf('bundled', ...set).find(({ kind }) => kind === 'Secret');
    const texts = z.record(z.string(), z.string()).parse(secret?.['stringData']);
    const url = new URL(texts['clickhouse-url'] ?? '');
    expect(decodeURIComponent(url.password)).toBe(password);
    expect(url.host).toBe('cs-clickhouse:8123');
  });

  it('keep Kafka’s records below the top of their volume, where a file system has its own `lost+found`', () => {
    const kafka = manifestsOf('bundled').find(
      ({ kind, metadata }) => kind === 'StatefulSet' && metadata.name === 'cs-kafka',
    );
    const [container] = z
      .looseObject({
        template: z.looseObject({ spec: z.looseObject({ containers: z.array(Server) }) }),
      })
      .parse(kafka?.spec).template.spec.containers;
    const folder = container?.env.find(({ name }) => name === 'KAFKA_LOG_DIRS')?.value ?? '';
    expect(container?.volumeMounts.map(({ mountPath }) => mountPath)).toEqual([dirname(folder)]);
  });
});

/** What the Secrets of the examples would hold. */
const SECRET: Readonly<Record<string, string>> = {
  COUNTERSIGN_VAULT_ROLE_ID: 'role',
  COUNTERSIGN_CHAINS: 'eip155:8453=https://node.example/key',
  COUNTERSIGN_TRUSTED_KEYS: `policy=${KEY}`,
};

const Given = z.looseObject({
  services: z.partialRecord(
    z.enum(SERVICES),
    z.looseObject({
      settings: z.record(z.string(), z.unknown()).optional(),
      secrets: z.record(z.string(), z.unknown()).optional(),
    }),
  ),
});

function external(): z.infer<typeof Given> {
  return Given.parse(parse(readFileSync(fileOf('external'), 'utf8')));
}

/** The example with something else in it, or without something. */
function renderEdited(edit: (values: z.infer<typeof Given>) => void) {
  const values = external();
  edit(values);
  return spawnSync(helm, ['template', 'cs', CHART, '-f', '-'], {
    encoding: 'utf8',
    input: JSON.stringify(values),
  });
}

/** What a service demands and the chart does not say by itself: the example's values say it. */
function demanded(): [service: Service, name: string][] {
  const { services } = external();
  return SERVICES.flatMap((service) => {
    const { required = [] } = z.toJSONSchema(SETTINGS[service], { io: 'input' });
    const given = { ...services[service]?.settings, ...services[service]?.secrets };
    return required
      .filter((name) => name in given)
      .map((name): [Service, string] => [service, name]);
  });
}

describe('values that are wrong', () => {
  it.each([
    ['services.signer.settings.COUNTERSIGN_CEILING_PER_DAY=much', /CEILING_PER_DAY/],
    ['services.intake.settings.COUNTERSIGN_REDIS_URL_FILE=x', /COUNTERSIGN_REDIS_URL_FILE/],
    ['settings.COUNTERSIGN_LANE=8', /COUNTERSIGN_LANE/],
    ['services.sinner.replicas=1', /sinner/],
    ['replicas=0', /replicas/],
  ])('%s are refused before anything is installed', (wrong, names) => {
    const { status, stderr } = render('external', '--set-string', wrong);
    expect(status).not.toBe(0);
    expect(stderr).toMatch(names);
  });

  it.each(demanded())('lack what %s demands: %s', (service, name) => {
    const where = name.endsWith('_FILE') ? 'secrets' : 'settings';
    const { status, stderr } = renderEdited((values) => {
      delete values.services[service]?.[where]?.[name];
    });
    expect(status).not.toBe(0);
    expect(stderr).toContain(`/services/${service}`);
    expect(stderr).toContain(`'${name}'`);
  });

  it('may have from a Secret whatever else would be a setting', () => {
    const name = 'COUNTERSIGN_CEILING_PER_DAY';
    const { status, stderr } = renderEdited(({ services: { signer } }) => {
      delete signer?.settings?.[name];
      Object.assign(signer?.secrets ?? {}, { [name]: { secret: 'limits', key: 'day' } });
    });
    expect(status, stderr).toBe(0);
  });

  it.each(['kafka', 'vault', 'redis'])('say of no peer where %s is', (server) => {
    const none = ['--set-json', `network.${server}.peers=[]`];
    const { status, stderr } = render('external', ...none);
    expect(status).not.toBe(0);
    expect(stderr).toContain(`network.${server}.peers is empty`);
    expect(render('external', ...none, '--set', 'network.enabled=false')).toMatchObject({
      status: 0,
    });
  });

  it('are also those that lack what has no default', () => {
    const { status, stderr } = spawnSync(helm, ['template', 'cs', CHART], { encoding: 'utf8' });
    expect(status).not.toBe(0);
    expect(stderr).toContain('COUNTERSIGN_TRUSTED_KEYS');
    expect(stderr).toContain('COUNTERSIGN_KAFKA_BROKERS');
  });
});

it('is of the version of the program', () => {
  const versionOf = (file: string) =>
    z.looseObject({ version: z.string() }).parse(parse(readFileSync(join(ROOT, file), 'utf8')))
      .version;
  expect(versionOf('helm/countersign/Chart.yaml')).toBe(versionOf('package.json'));
});
