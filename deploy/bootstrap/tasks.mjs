/** What can be run: each task gets the Node to use and the caller's arguments, and returns an exit code. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getServers } from '../local/servers.mjs';
import { check } from './check.mjs';
import { run, withNodeFirst } from './child.mjs';

const VITEST = join('node_modules', 'vitest', 'vitest.mjs');
const COUNTS_REPORTER = './deploy/bootstrap/counts-reporter.mjs';
const STACK_CONFIG = 'vitest.stack.config.ts';
const SIM_MAIN = 'test/sim/main.ts';
const SIM_STEPS = '200000';

/**
 * One process fewer than the `tsx` command, which starts a second Node and passes its signals on: the program is our
 * direct child, and what it does with a signal is what the caller sees.
 */
const program =
  (main) =>
  (node, args = []) =>
    run(node, ['--import', 'tsx', main, ...args], { env: withNodeFirst(node) });

const simulate = program(SIM_MAIN);

/** Benches measure memory, and so need to be able to ask for a collection. */
const bench = (node, args = []) =>
  run(node, ['--expose-gc', '--import', 'tsx', 'test/perf/main.ts', ...args], {
    env: withNodeFirst(node),
  });

const story = program('apps/sandbox/src/story/main.ts');

const TASKS = {
  start: story,
  stack: (node, args = []) => story(node, ['--stack', ...args]),
  test,
  'test:stack': testStack,
  'test:fault': program('test/fault/main.ts'),
  check,
  sim: simulate,
  fuzz: program('test/fuzz/main.ts'),
  bench,
  'bench:stack': (node, args = []) => bench(node, ['--stack', ...args]),
  countersign: program('apps/cli/src/main.ts'),
  standalone: program('apps/standalone/src/main.ts'),
  fund: program('apps/sandbox/src/story/fund.ts'),
};

export const taskNames = Object.keys(TASKS);

export function taskNamed(name) {
  return Object.hasOwn(TASKS, name ?? '') ? TASKS[name] : undefined;
}

/** Every spec, then the simulation. Arguments go to vitest; whoever names specs wants only those. */
async function test(node, args) {
  const specs = await runSpecs(node, args);
  const counts = [specs];
  if (args.length === 0) {
    const code = await simulate(node, ['--steps', SIM_STEPS]);
    counts.push(code === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 });
  }
  const passed = counts.reduce((sum, count) => sum + count.passed, 0);
  const failed = counts.reduce((sum, count) => sum + count.failed, 0);
  console.log('The real servers are tested by the stack suite: npm run test:stack.');
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

/**
 * Every spec that needs a real server, after getting those servers. One that cannot be had is named in one line and
 * fails the run; the specs of the others are run all the same.
 */
async function testStack(node, args) {
  const missing = await getServers();
  const { passed, failed } = await runSpecs(node, ['--config', STACK_CONFIG, ...args]);
  for (const line of missing) console.error(line);
  console.log(`${passed} passed, ${failed + missing.length} failed`);
  return failed + missing.length === 0 ? 0 : 1;
}

async function runSpecs(node, args) {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-test-'));
  const file = join(folder, 'counts.json');
  const reporters = ['--reporter=default', `--reporter=${COUNTS_REPORTER}`];
  try {
    const code = await run(node, [VITEST, 'run', ...reporters, ...args], {
      env: { ...withNodeFirst(node), COUNTS_FILE: file },
    });
    // Without the file vitest did not get as far as running anything.
    const counts = existsSync(file)
      ? JSON.parse(readFileSync(file, 'utf8'))
      : { passed: 0, failed: 1 };
    return { ...counts, failed: code === 0 ? counts.failed : Math.max(counts.failed, 1) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
