import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { type World, startWorld } from './testing/world.ts';

const TOP = fileURLToPath(new URL('../../../', import.meta.url));

/** The example in the docstring of `governedFetch`. */
async function docstringExample(): Promise<string> {
  const source = await readFile(new URL('./governed-fetch.ts', import.meta.url), 'utf8');
  const [, lines = ''] = /@example\n([\s\S]*?)\n \*\//.exec(source) ?? [];
  return `const credential = 'agent';\n${lines.replaceAll(/^ \* ?/gm, '')}`;
}

/** The README's own program, and the credential that its steps before have people save. */
async function readmeExample(): Promise<string> {
  const readme = await readFile(join(TOP, 'README.md'), 'utf8');
  const [, lines = ''] = /^ *```ts\n([\s\S]*?)^ *```$/m.exec(readme) ?? [];
  const folder = await mkdtemp(join(tmpdir(), 'countersign-readme-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, 'my-agent.credential');
  await writeFile(file, 'agent\n');
  expect(readme).toContain('--save my-agent.credential');
  return lines.replace(`'my-agent.credential'`, JSON.stringify(file));
}

/** Runs it as a module that stands in the repository's top folder, against other ports. */
async function run(program: string, world: World): Promise<string> {
  const text = program
    .replace('http://127.0.0.1:4020', world.countersign.url)
    .replace('http://127.0.0.1:4021', world.seller.url);
  const args = ['--import', 'tsx', '--input-type=module', '--eval', text];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: TOP });
  return stdout;
}

it.each([
  ['the docstring', docstringExample, "{ report: 'sold' }\n"],
  ['the README', readmeExample, '{"report":"sold"}\n'],
])('runs as it stands in %s', async (_, example, says) => {
  await using world = await startWorld();

  expect(await run(await example(), world)).toBe(says);

  expect(world.countersign.payments()).toMatchObject([{ delivered: true }]);
});
