import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { PLANTS, type PlantName } from './plants.ts';
import { type Outcome, run } from './run.ts';
import { type Counted, Summary } from './summary.ts';

/** Some of a simulation's seeds, for one thread. */
export interface Share {
  readonly seeds: readonly number[];
  readonly steps: number;
  readonly replicas: number;
  readonly fault: PlantName | undefined;
}

/** What a thread has to say: how far it has come, and at the end what it counted and what broke, if something did. */
export type Told =
  | { readonly kind: 'progress'; readonly seed: number; readonly steps: number }
  | { readonly kind: 'done'; readonly counted: Counted; readonly broken: Breakage | undefined };

/** A broken invariant, in words. */
export interface Breakage {
  readonly seed: number;
  readonly lines: readonly string[];
}

/** Runs seeds one after another, up to the first that breaks. */
export async function simulate(
  share: Share,
  onProgress: (seed: number, steps: number) => void,
): Promise<{ summary: Summary; broken: Breakage | undefined }> {
  const { seeds, steps, replicas, fault } = share;
  const summary = new Summary();
  for (const seed of seeds) {
    const outcome = await run({
      ...{ seed, steps, replicas },
      ...(fault !== undefined && { plant: PLANTS[fault].plant }),
      onProgress: (done) => onProgress(seed, done),
    });
    summary.add(outcome);
    if (outcome.broken) return { summary, broken: { seed, lines: linesOf(outcome) } };
  }
  return { summary, broken: undefined };
}

function linesOf({ broken, seed, world }: Outcome): string[] {
  if (!broken) return [];
  const account = accountOf(broken.account, world).map((line) => `  ${line}`);
  return [
    `BROKEN: "${broken.invariant}" with seed ${seed} at step ${broken.step}`,
    broken.account,
    ...account,
    `simulated time: ${new Date(world.scheduler.nowMs).toISOString()}`,
  ];
}

/** Everything recorded about the payment the account names, if it names one. */
function accountOf(account: string, { history }: Outcome['world']): string[] {
  const paymentId = /pay_\d+_[0-9a-f]+/.exec(account)?.[0];
  if (paymentId === undefined) return [];
  return history.ofPayment(paymentId).map(({ record, event, applied, code, laneMs }) => {
    const where = `${record.lane}:${record.offset}`.padEnd(8);
    return `${where} ${laneMs} ${event?.name} ${applied ? 'applied' : `ignored: ${code}`}`;
  });
}

if (!isMainThread) {
  const tell = (told: Told) => parentPort?.postMessage(told);
  const { summary, broken } = await simulate(workerData as Share, (seed, steps) =>
    tell({ kind: 'progress', seed, steps }),
  );
  tell({ kind: 'done', counted: summary.counted(), broken });
}
