import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { PLANTS, isPlantName } from './plants.ts';
import { type Breakage, type Share, type Told, simulate } from './share.ts';
import { Summary } from './summary.ts';

const USAGE = `usage: tsx test/sim/main.ts [--seed N] [--steps M] [--seeds K] [--replicas R] [--threads T] [--fault name]

Runs the whole system under a seeded scheduler and checks every invariant after every step.
Without --seed the steps are shared out over a few fixed seeds; --seeds K runs K of them, from --seed (or 1) on.
Seeds are shared out over as many threads as there are processors, or --threads T.
--fault plants a fault into the test world, to see it found: ${Object.keys(PLANTS).join(', ')}`;

const FIXED_SEEDS = [1, 2, 3, 4, 5, 6, 7, 8];

interface Options extends Share {
  readonly threads: number;
}

class UsageError extends Error {}

function parsed() {
  const text = { type: 'string' } as const;
  try {
    const options = {
      seed: text,
      steps: text,
      seeds: text,
      replicas: text,
      threads: text,
      fault: text,
    };
    return parseArgs({ options }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function readOptions(): Options {
  const values = parsed();
  const numberOf = (text: string | undefined, fallback: number) => {
    const value = text === undefined ? fallback : Number(text);
    if (!Number.isSafeInteger(value) || value < 1) throw new UsageError(`not a number: ${text}`);
    return value;
  };
  const { seed, fault } = values;
  if (fault !== undefined && !isPlantName(fault))
    throw new UsageError(`no fault is called ${fault}`);
  const steps = numberOf(values.steps, 50_000);
  const replicas = numberOf(values.replicas, 3);
  const threads = numberOf(values.threads, availableParallelism());
  if (seed === undefined && values.seeds === undefined) {
    const share = Math.ceil(steps / FIXED_SEEDS.length);
    return { seeds: FIXED_SEEDS, steps: share, replicas, threads, fault };
  }
  const first = numberOf(seed, 1);
  const seeds = Array.from({ length: numberOf(values.seeds, 1) }, (_, index) => first + index);
  return { seeds, steps, replicas, threads, fault };
}

const TOLD_EACH_MS = 60_000;

/** How far all threads have come: on a terminal in one line that is overwritten, in a file in a line each minute. */
class Progress {
  readonly #of: number;
  readonly #startedAt = performance.now();
  readonly #done = new Map<number, number>();
  #toldAt = this.#startedAt;

  constructor({ seeds, steps }: Options) {
    this.#of = seeds.length * steps;
  }

  show(seed: number, steps: number): void {
    this.#done.set(seed, steps);
    const nowMs = performance.now();
    const { isTTY } = process.stderr;
    if (!isTTY && nowMs - this.#toldAt < TOLD_EACH_MS) return;
    this.#toldAt = nowMs;
    const sum = [...this.#done.values()].reduce((total, it) => total + it, 0);
    const rate = Math.round((sum * 1_000) / (nowMs - this.#startedAt));
    const text = `seed ${seed}; ${sum} of ${this.#of} steps, ${rate} a second`;
    process.stderr.write(isTTY ? `\r${text.padEnd(70)}` : `${text}\n`);
  }

  clear(): void {
    if (process.stderr.isTTY) process.stderr.write(`\r${''.padEnd(70)}\r`);
  }
}

function tellBroken({ seed, lines }: Breakage, { steps, replicas, fault }: Options): void {
  const again = [
    `npm run sim -- --seed ${seed} --steps ${steps}`,
    ...(replicas === 3 ? [] : [`--replicas ${replicas}`]),
    ...(fault === undefined ? [] : [`--fault ${fault}`]),
  ];
  console.log('');
  for (const line of lines) console.log(line);
  console.log(`again: ${again.join(' ')}`);
}

/** Seeds in turn, so that every thread has about as much to do. */
function sharesOf({ seeds, threads, ...rest }: Options): Share[] {
  const count = Math.min(threads, seeds.length);
  return Array.from({ length: count }, (_, share) => ({
    ...rest,
    seeds: seeds.filter((_seed, index) => index % count === share),
  }));
}

/** One share in a thread of its own. */
function simulateAside(
  share: Share,
  summary: Summary,
  progress: Progress,
): Promise<Breakage | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<Breakage | undefined>();
  const worker = new Worker(new URL('share.ts', import.meta.url), { workerData: share });
  worker.on('error', reject);
  worker.on('exit', (code) => reject(new Error(`a thread ended with ${code} and said nothing`)));
  worker.on('message', (told: Told) => {
    if (told.kind === 'progress') return progress.show(told.seed, told.steps);
    summary.include(told.counted);
    resolve(told.broken);
  });
  return promise;
}

async function simulateAll(options: Options, summary: Summary): Promise<readonly Breakage[]> {
  const shares = sharesOf(options);
  const progress = new Progress(options);
  const [only] = shares;
  if (shares.length > 1 || !only) {
    // Each is told when it is found, while the others still look.
    const found = shares.map(async (share) => {
      const broken = await simulateAside(share, summary, progress);
      progress.clear();
      if (broken) tellBroken(broken, options);
      return broken;
    });
    return (await Promise.all(found)).filter((broken) => broken !== undefined);
  }
  const done = await simulate(only, (seed, steps) => progress.show(seed, steps));
  progress.clear();
  summary.include(done.summary.counted());
  if (!done.broken) return [];
  tellBroken(done.broken, options);
  return [done.broken];
}

async function main(): Promise<number> {
  const options = readOptions();
  const summary = new Summary();
  const startedAt = performance.now();
  const broken = await simulateAll(options, summary);
  if (broken.length > 0) return 1;
  for (const line of summary.lines()) console.log(line);
  const seconds = (performance.now() - startedAt) / 1_000;
  const rate = Math.round(summary.steps / seconds);
  const { seeds } = options;
  const which = seeds.length > 1 ? `seeds ${seeds[0]} to ${seeds.at(-1)}` : `seed ${seeds[0]}`;
  const took = `${summary.steps} steps with ${which} in ${seconds.toFixed(1)} s (${rate} steps/s)`;
  const lacks = [
    ...summary.unreached().map((ending) => `no payment ended as ${ending}`),
    ...summary.unstruck().map((strike) => `never: ${strike}`),
  ];
  if (lacks.length > 0) {
    console.log(`simulation: ${took}, and it shows little, as ${lacks.join('; ')}`);
    return 1;
  }
  console.log(`simulation: ${took}, every invariant held`);
  return 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(`${error.message}\n${USAGE}`);
  process.exitCode = 2;
}
