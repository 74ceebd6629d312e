/** Everything that is checked without running the program, side by side, every failure shown. */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { run, withNodeFirst } from './child.mjs';

const bin = (...path) => join('node_modules', ...path);
const TSC = bin('typescript', 'bin', 'tsc');

/** The longest first, so that the short ones fill what is left of the other core. */
const CHECKS = [
  ['lint', bin('eslint', 'bin', 'eslint.js'), '--max-warnings=0', '.'],
  ['types', TSC, '-p', 'tsconfig.json'],
  ['types of the pure part', TSC, '-p', 'tsconfig.pure.json'],
  ['types of the pages', TSC, '-p', 'tsconfig.page.json'],
  ['unused code and packages', bin('knip', 'bin', 'knip.js'), '--no-progress', '--no-config-hints'],
  ['format', bin('prettier', 'bin', 'prettier.cjs'), '--check', '--log-level=warn', '.'],
  ['lock file', join('deploy', 'bootstrap', 'lock.mjs'), '--check'],
];

export async function check(node) {
  const waiting = [...CHECKS];
  const failures = [];
  const worker = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const failure = await runCheck(node, next);
      if (failure) failures.push(failure);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));

  for (const { name, lines } of failures) console.error(`\n${name}:\n${lines.join('\n')}`);
  return failures.length === 0 ? 0 : 1;
}

async function runCheck(node, [name, ...args]) {
  const startedAtMs = Date.now();
  const lines = [];
  const code = await run(node, args, {
    env: withNodeFirst(node),
    onLine: (line) => lines.push(line),
  });
  const seconds = ((Date.now() - startedAtMs) / 1000).toFixed(1);
  console.log(`${code === 0 ? 'ok    ' : 'FAILED'} ${seconds.padStart(5)} s  ${name}`);
  return code === 0 ? undefined : { name, lines };
}
