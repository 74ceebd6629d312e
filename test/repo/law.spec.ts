import { ESLint } from 'eslint';
import { join } from 'node:path';
import ts from 'typescript';
import tseslint from 'typescript-eslint';
import { beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from './tree.ts';

/** The rules that hold the architecture, on code that is not there; what needs types is left out for speed. */
const eslint = new ESLint({
  cwd: ROOT,
  overrideConfig: [{ files: ['**/*.ts'], ...tseslint.configs.disableTypeChecked }],
});

async function brokenRules(path: string, text: string): Promise<string[]> {
  const [result] = await eslint.lintText(`${text}\n`, { filePath: join(ROOT, path) });
  const ours = /boundaries|restricted|parameter-properties|max-|Parsing/;
  return (result?.messages ?? [])
    .map(({ ruleId, message }) => ruleId ?? message)
    .filter((rule) => ours.test(rule));
}

const BOUNDARY = '@nx/enforce-module-boundaries';
const RESTRICTED = '@typescript-eslint/no-restricted-imports';

function importing(name: string): string {
  return `import { thing } from '${name}';\nexport const used = thing;`;
}

beforeAll(() => brokenRules('libs/kernel/src/warm.ts', ''));

describe('the import law', () => {
  it.each([
    ['libs/kernel/src/x.ts', '@countersign/contracts', [BOUNDARY, RESTRICTED]],
    ['libs/kernel/src/x.ts', 'node:crypto', [RESTRICTED]],
    ['libs/contracts/src/x.ts', '@countersign/ports', [BOUNDARY, RESTRICTED]],
    ['libs/contracts/src/x.ts', 'viem', [RESTRICTED]],
    ['libs/ports/src/x.ts', '@countersign/payment', [BOUNDARY, RESTRICTED]],
    ['libs/ports/src/x.ts', 'vitest', [RESTRICTED]],
    ['libs/payment/src/domain/x.ts', '@countersign/service-kit', [BOUNDARY, RESTRICTED]],
    ['libs/approval/src/domain/x.ts', '@countersign/policy', [BOUNDARY, RESTRICTED]],
    ['libs/approval/src/domain/x.ts', '@countersign/service-kit', [RESTRICTED]],
    ['libs/approval/src/domain/x.ts', '@countersign/ports', [RESTRICTED]],
    ['libs/approval/src/domain/x.ts', 'node:fs', [RESTRICTED]],
    ['libs/approval/src/domain/x.ts', 'zod', [RESTRICTED]],
    ['libs/approval/src/domain/x.ts', '../service/approvals.ts', [RESTRICTED]],
    ['libs/approval/src/service/x.ts', '@countersign/policy/service', [BOUNDARY, RESTRICTED]],
    ['libs/signing/src/service/x.ts', '@countersign/policy/service', [RESTRICTED]],
    ['libs/approval/src/service/x.ts', '@countersign/signing', [BOUNDARY]],
    ['libs/approval/src/service/x.ts', '@countersign/adapter-sqlite', [BOUNDARY]],
    ['libs/approval/src/service/x.ts', '@countersign/testkit', [BOUNDARY]],
    ['libs/approval/src/service/x.ts', '@countersign/ports/suites', [RESTRICTED]],
    [
      'libs/approval/src/service/x.int.spec.ts',
      '@countersign/signing/service',
      [BOUNDARY, RESTRICTED],
    ],
    ['libs/approval/src/service/x.ts', '../../../kernel/src/invariant.ts', [BOUNDARY]],
    ['libs/service-kit/src/x.ts', '@countersign/policy', [BOUNDARY]],
    ['libs/service-kit/src/x.ts', '@countersign/adapter-kafka', [BOUNDARY]],
    ['libs/hosting/src/x.ts', '@countersign/policy', [BOUNDARY]],
    ['libs/hosting/src/x.ts', '@countersign/policy/service', [BOUNDARY, RESTRICTED]],
    ['libs/approval/src/service/x.ts', '@countersign/hosting', [BOUNDARY]],
    ['libs/adapters/sqlite/src/x.ts', '@countersign/payment', [BOUNDARY]],
    ['libs/adapters/sqlite/src/x.ts', '@countersign/adapter-evm', [BOUNDARY]],
    ['libs/sdk/src/x.ts', '@countersign/ports', [BOUNDARY]],
    ['apps/cli/src/x.ts', '@countersign/standalone/main', [BOUNDARY]],
    ['apps/standalone/src/x.ts', '@countersign/testkit', [BOUNDARY]],
  ])('%s may not import %s', async (path, name, rules) => {
    expect(await brokenRules(path, importing(name))).toEqual(rules);
  });

  it.each([
    ['libs/kernel/src/digest.ts', 'node:crypto'],
    ['libs/contracts/src/x.ts', 'zod'],
    ['libs/ports/src/suites/x.contract.ts', 'vitest'],
    ['libs/approval/src/domain/x.ts', '@countersign/payment'],
    ['libs/approval/src/domain/x.unit.spec.ts', '@countersign/testkit'],
    ['libs/signing/src/domain/x.ts', '@countersign/policy'],
    ['libs/audit/src/service/x.ts', '@countersign/policy'],
    ['libs/sdk/src/testing/x.ts', 'vitest'],
    ['libs/approval/src/service/x.ts', '@countersign/service-kit'],
    ['libs/service-kit/src/x.ts', '@countersign/payment'],
    ['libs/adapters/sqlite/src/x.int.spec.ts', '@countersign/ports/suites'],
    ['apps/standalone/src/x.ts', '@countersign/policy/service'],
    ['test/sim/x.ts', '@countersign/policy/service'],
    ['libs/hosting/src/x.ts', '@countersign/adapter-kafka'],
    ['apps/policy/src/x.ts', '@countersign/hosting'],
  ])('%s may import %s', async (path, name) => {
    expect(await brokenRules(path, importing(name))).toEqual([]);
  });

  it("lets a domain name a port's types", async () => {
    const text =
      "import type { BlockRef } from '@countersign/ports';\nexport type Kept = BlockRef;";
    expect(await brokenRules('libs/settlement/src/domain/x.ts', text)).toEqual([]);
  });
});

describe('the lint', () => {
  it.each([
    ['libs/payment/src/domain/x.ts', 'export const now = () => Date.now();'],
    ['libs/payment/src/domain/x.ts', 'export const now = () => new Date();'],
    ['libs/contracts/src/x.ts', 'export const dice = () => Math.random();'],
    ['libs/service-kit/src/x.ts', 'export const token = process.env["TOKEN"];'],
    ['libs/service-kit/src/x.ts', 'export default 1;'],
    ['libs/sdk/src/x.ts', 'export class X { constructor(private readonly y: number) {} }'],
    ['libs/sdk/src/x.ts', 'export const f = (a: 1, b: 1, c: 1, d: 1, e: 1) => [a, b, c, d, e];'],
  ])('stops %s with %s', async (path, text) => {
    expect(await brokenRules(path, text)).toHaveLength(1);
  });

  it('stops a file of more than 400 lines, but no spec', async () => {
    const text = `export const x = 1;${'\n'.repeat(400)}`;
    expect(await brokenRules('libs/sdk/src/x.ts', text)).toEqual(['max-lines']);
    expect(await brokenRules('libs/sdk/src/x.unit.spec.ts', text)).toEqual([]);
  });

  it.each([
    ['apps/standalone/src/config.ts', 'export const token = process.env["TOKEN"];'],
    ['libs/payment/src/domain/x.ts', 'export const at = (ms: number) => new Date(ms);'],
    [
      'libs/approval/src/service/x.ts',
      'export class X { constructor(@In(A) private readonly a: 1, @In(A) b: 1, @In(A) c: 1, @In(A) d: 1) {} }',
    ],
    [
      'libs/approval/src/service/x.ts',
      'export class X { get(@In(A) a: 1, @In(A) b: 1, @In(A) c: 1, @In(A) d: 1, @In(A) e: 1) {} }',
    ],
  ])('lets %s pass with %s', async (path, text) => {
    expect(await brokenRules(path, text)).toEqual([]);
  });
});

describe('the pure program', () => {
  const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.pure.json'), (path) =>
    ts.sys.readFile(path),
  ) as { config: unknown };
  const { options, fileNames } = ts.parseJsonConfigFileContent(config, ts.sys, ROOT);

  function faultsOf(text: string): number {
    const path = join(ROOT, 'libs/kernel/src/x.ts');
    const host = ts.createCompilerHost(options);
    const read = host.getSourceFile.bind(host);
    host.getSourceFile = (name, version) =>
      name === path ? ts.createSourceFile(name, text, version) : read(name, version);
    const program = ts.createProgram([path], options, host);
    return program.getSemanticDiagnostics(program.getSourceFile(path)).length;
  }

  it.each([
    'export const x = process.pid;',
    "export const x = fetch('https://example.org');",
    'export const x = setTimeout;',
    'export const x = Buffer.from([]);',
    'export const x = console.log;',
    "import { readFileSync } from 'node:fs';\nexport const x = readFileSync;",
    'export enum Color { Red }',
    'export class X { constructor(readonly y: number) {} }',
  ])('does not compile %s', (text) => {
    expect(faultsOf(text)).toBeGreaterThan(0);
  });

  it('compiles what only computes', () => {
    expect(faultsOf('export const x = (a: bigint) => [a, a].map((b) => b * 2n);')).toBe(0);
  });

  it('covers every domain and no test', () => {
    const paths = fileNames.map((name) => name.replaceAll('\\', '/'));
    expect(paths.filter((path) => /\.spec\.ts$|\/suites\//.test(path))).toEqual([]);
    expect(paths.some((path) => path.endsWith('/libs/payment/src/domain/lane.ts'))).toBe(true);
    expect(paths.some((path) => path.endsWith('/libs/kernel/src/digest.ts'))).toBe(true);
  });
});
