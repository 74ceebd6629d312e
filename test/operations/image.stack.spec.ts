import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import dockerignore from '@balena/dockerignore';
import { SERVICES } from '@countersign/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT, files } from '../repo/tree.ts';

const INSTALL_MAX_MS = 300_000;
const dockerfile = readFileSync(join(ROOT, 'Dockerfile'), 'utf8').replaceAll(/\\\n\s*/g, '');

/** What the image would hold, made by the very commands of its Dockerfile, without Docker. */
let folder = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-image-'));
  const ignore = dockerignore.default().add(readFileSync(join(ROOT, '.dockerignore'), 'utf8'));
  const kept = files().filter(({ path }) => !ignore.ignores(path));
  for (const { path } of kept) cpSync(join(ROOT, path), join(folder, path), { recursive: true });
  const [, install = ''] = /^RUN (npm ci .*)$/m.exec(dockerfile) ?? [];
  expect(install).toContain('--omit=dev');
  execFileSync('sh', ['-c', install], { cwd: folder, stdio: 'pipe' });
  const [, lean = ''] = /^FROM packages AS lean\nRUN (.*)$/m.exec(dockerfile) ?? [];
  execFileSync('sh', ['-c', lean], { cwd: folder });
}, INSTALL_MAX_MS);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function run(...args: readonly string[]): { code: number; said: string } {
  const node = [
    process.execPath,
    ['--import', 'tsx', ...args],
    { cwd: folder, env: {}, stdio: 'pipe' },
  ] as const;
  try {
    return { code: 0, said: execFileSync(...node).toString() };
  } catch (error) {
    const { status, stderr } = error as { status: number; stderr: Buffer };
    return { code: status, said: stderr.toString() };
  }
}

describe('what the image holds', () => {
  it('starts every service, which says what it lacks', () => {
    for (const service of SERVICES) {
      const { code, said } = run(`apps/${service}/src/main.ts`, '--check-config');
      expect(said, service).toContain('COUNTERSIGN_KAFKA_BROKERS');
      expect(code, service).toBe(78);
    }
  });

  it('starts the standalone process and the command', () => {
    const { code, said } = run('apps/standalone/src/main.ts', '--check-config');
    expect(JSON.parse(said)).toMatchObject({ COUNTERSIGN_LANES: 8 });
    expect(code).toBe(0);
    expect(run('apps/cli/src/main.ts', 'setup', '--help').said).toContain('--vault-token-file');
  });

  it('has nothing that only tests or development need', () => {
    const modules = join(folder, 'node_modules');
    const listed = execFileSync('ls', [modules]).toString().split('\n');
    for (const name of ['vitest', 'eslint', 'nx', 'prettier', 'knip', 'chdb'])
      expect(listed).not.toContain(name);
    expect(files().some(({ path }) => path.endsWith('.spec.ts'))).toBe(true);
    const specs = execFileSync('find', [join(folder, 'libs'), '-name', '*.spec.ts']).toString();
    expect(specs).toBe('');
  });
});

describe('the Dockerfile', () => {
  it('names its base by the version of Node that the project has, and runs as nobody', () => {
    const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      devDependencies: { node: string };
    };
    const bases = [...dockerfile.matchAll(/^FROM (node:\S+)/gm)].map(([, base]) => base);
    const { node } = manifest.devDependencies;
    expect(new Set(bases)).toEqual(new Set([`node:${node}-bookworm-slim`]));
    expect(dockerfile).toMatch(/^USER 10001:10001$/m);
  });
});
