import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { startWorld } from './testing/world.ts';

/** The example in the docstring of `governedFetch`. */
async function example(): Promise<string> {
  const source = await readFile(new URL('./governed-fetch.ts', import.meta.url), 'utf8');
  const [, lines = ''] = /@example\n([\s\S]*?)\n \*\//.exec(source) ?? [];
  return lines.replaceAll(/^ \* ?/gm, '');
}

it('runs as it stands in the docstring, against other ports', async () => {
  await using world = await startWorld();
  const program = (await example())
    .replace('@countersign/sdk', new URL('./index.ts', import.meta.url).href)
    .replace('http://127.0.0.1:4020', world.countersign.url)
    .replace('http://127.0.0.1:4021', world.seller.url);
  const folder = await mkdtemp(join(tmpdir(), 'countersign-sdk-'));
  const file = join(folder, 'example.mts');
  await writeFile(file, `const credential = 'agent';\n${program}`);
  // From this package's folder, where tsx is found.
  const cwd = fileURLToPath(new URL('..', import.meta.url));
  const run = () => promisify(execFile)(process.execPath, ['--import', 'tsx', file], { cwd });

  const { stdout } = await run();

  await rm(folder, { recursive: true });
  expect(stdout).toBe("{ report: 'sold' }\n");
  expect(world.countersign.payments()).toMatchObject([{ delivered: true }]);
});
