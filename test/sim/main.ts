import { parseArgs } from 'node:util';
import { PLANTS, type PlantName, isPlantName } from './plants.ts';
import { type Outcome, run } from './run.ts';
import { Summary } from './summary.ts';

const USAGE = `usage: tsx test/sim/main.ts [--seed N] [--steps M] [--seeds K] [--replicas R] [--fault name]

Runs the whole system under a seeded scheduler and checks every invariant after every step.
Without --seed the steps are shared out over a few fixed seeds; --seeds K runs K of them, from --seed (or 1) on.
--fault plants a fault into the test world, to see it found: ${Object.keys(PLANTS).join(', ')}`;

const FIXED_SEEDS = [1, 2, 3, 4, 5];

interface Options {
  readonly seeds: readonly number[];
  readonly steps: number;
  readonly replicas: number;
  readonly fault: PlantName | undefined;
}

class UsageError extends Error {}

function parsed() {
  const text = { type: 'string' } as const;
  try {
    const options = { seed: text, steps: text, seeds: text, replicas: text, fault: text };
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
  if (seed === undefined && values.seeds === undefined) {
    const share = Math.ceil(steps / FIXED_SEEDS.length);
    return { seeds: FIXED_SEEDS, steps: share, replicas, fault };
  }
  const first = numberOf(seed, 1);
  const seeds = Array.from({ length: numberOf(values.seeds, 1) }, (_, index) => first + index);
  return { seeds, steps, replicas, fault };
}

/** Overwrites one line on a terminal; says nothing to a file. */
function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r${text.padEnd(60)}`);
}

function tellBroken(outcome: Outcome, { steps, replicas, fault }: Options): void {
  const { broken, seed, world } = outcome;
  if (!broken) return;
  const again = [
    `npm run sim -- --seed ${seed} --steps ${steps}`,
    ...(replicas === 3 ? [] : [`--replicas ${replicas}`]),
    ...(fault === undefined ? [] : [`--fault ${fault}`]),
  ];
  console.log(`\nBROKEN: "${broken.invariant}" with seed ${seed} at step ${broken.step}`);
  console.log(broken.account);
  for (const line of accountOf(outcome)) console.log(`  ${line}`);
  console.log(`simulated time: ${new Date(world.scheduler.nowMs).toISOString()}`);
  console.log(`again: ${again.join(' ')}`);
}

/** Everything recorded about the payment the account names, if it names one. */
function accountOf({ broken, world }: Outcome): string[] {
  const paymentId = /pay_\d+_[0-9a-f]+/.exec(broken?.account ?? '')?.[0];
  if (paymentId === undefined) return [];
  return world.history.ofPayment(paymentId).map(({ record, event, applied, code, laneMs }) => {
    const where = `${record.lane}:${record.offset}`.padEnd(8);
    return `${where} ${laneMs} ${event?.name} ${applied ? 'applied' : `ignored: ${code}`}`;
  });
}

async function main(): Promise<number> {
  const options = readOptions();
  const summary = new Summary();
  const startedAt = performance.now();
  for (const seed of options.seeds) {
    const { steps, replicas, fault } = options;
    const outcome = await run({
      ...{ seed, steps, replicas },
      ...(fault !== undefined && { plant: PLANTS[fault].plant }),
      onProgress: (done) => progress(`seed ${seed}: ${done} of ${steps} steps`),
    });
    summary.add(outcome);
    if (!outcome.broken) continue;
    progress('');
    tellBroken(outcome, options);
    return 1;
  }
  progress('');
  for (const line of summary.lines()) console.log(line);
  const seconds = (performance.now() - startedAt) / 1_000;
  const rate = Math.round(summary.steps / seconds);
  const { seeds } = options;
  const which = seeds.length > 1 ? `seeds ${seeds[0]} to ${seeds.at(-1)}` : `seed ${seeds[0]}`;
  const took = `${summary.steps} steps with ${which} in ${seconds.toFixed(1)} s (${rate} steps/s)`;
  const unreached = summary.unreached();
  if (unreached.length > 0) {
    console.log(
      `simulation: ${took}, and no payment ended as ${unreached.join(', ')}: it shows little`,
    );
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
