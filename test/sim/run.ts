import { newestBook } from './budget-stores.ts';
import { AGENTS, TENANTS } from './cast.ts';
import { agentAtWork } from './actors/agent.ts';
import { auditorsAtWork } from './actors/auditors.ts';
import { chainAtWork } from './actors/facilitator.ts';
import { found } from './actors/founding.ts';
import { calmDown, misfortuneAtWork, restoreAtWork } from './actors/misfortune.ts';
import { operatorsAtWork } from './actors/operators.ts';
import { outsiderAtWork } from './actors/outsider.ts';
import { approversAtWork } from './actors/people.ts';
import { stolenKeyAtWork } from './actors/stolen-key.ts';
import { thiefAtWork } from './actors/thief.ts';
import type { Broken } from './checker.ts';
import { World, type WorldOptions } from './world.ts';

export interface RunOptions extends WorldOptions {
  readonly steps: number;
  /** Told now and then how far the run has come. */
  readonly onProgress?: (steps: number) => void;
}

export interface Outcome {
  readonly seed: number;
  readonly steps: number;
  /** Steps it took, after faults were over, until nothing was left to do. */
  readonly stepsAfter: number;
  readonly simulatedMs: number;
  readonly broken: Broken | undefined;
  readonly trace: string;
  readonly world: World;
}

/** After faults are over, everything must have ended within this time of the simulated clock. */
const SETTLE_MAX_MS = 15 * 60_000;
/** Far more than that takes: a world that needs more is busy with nothing, or its clock stands still. */
const SETTLE_MAX_STEPS = 100_000;
const PROGRESS_EACH = 10_000;

/** One run: founding in calm weather, trouble for as many steps as asked, then calm until everything has ended. */
export async function run(options: RunOptions): Promise<Outcome> {
  const world = new World(options);
  const { scheduler, checker, weather } = world;
  const startMs = scheduler.nowMs;
  chainAtWork(world);
  let isFounded = false;
  void found(world).then(() => (isFounded = true));
  await world.run(() => isFounded);
  weather.isCalm = false;
  for (const agent of AGENTS) agentAtWork(world, agent);
  if (!world.often.failures) approversAtWork(world);
  operatorsAtWork(world);
  auditorsAtWork(world);
  outsiderAtWork(world);
  misfortuneAtWork(world);
  if (!world.often.failures) thiefAtWork(world);
  stolenKeyAtWork(world);
  restoreAtWork(world);
  let told = 0;
  await world.run(() => {
    if (scheduler.steps - told >= PROGRESS_EACH) {
      told = scheduler.steps;
      options.onProgress?.(told);
    }
    return scheduler.steps >= options.steps;
  });
  const steps = scheduler.steps;
  options.onProgress?.(steps);
  // Whoever has a key of ours can keep things from ending: nothing is promised about that.
  if (!checker.broken && world.stolen === undefined) await settle(world);
  return {
    seed: options.seed,
    steps,
    stepsAfter: scheduler.steps - steps,
    simulatedMs: scheduler.nowMs - startMs,
    broken: checker.broken,
    trace: scheduler.traceDigest(),
    world,
  };
}

async function settle(world: World): Promise<void> {
  calmDown(world);
  const { scheduler, checker, history, budgets } = world;
  const untilMs = scheduler.nowMs + SETTLE_MAX_MS;
  const maxSteps = scheduler.steps + SETTLE_MAX_STEPS;
  const isQuiet = () =>
    history.reference.every((lane) =>
      [...lane.agents.values()].every((it) => it.open.size === 0 || it.quarantined),
    ) &&
    TENANTS.every((tenant) => budgets.isOpen(newestBook(history, tenant))) &&
    world.replicas.every(({ process }) =>
      process.host.lanes.every(({ lane, next }) => next === history.lanes[lane]?.length),
    );
  let quietSinceMs = scheduler.nowMs;
  // Quiet for a while: what is under way may still bring something new.
  await world.run(() => {
    if (!isQuiet()) quietSinceMs = scheduler.nowMs;
    if (scheduler.steps > maxSteps)
      checker.fail('liveness', `nothing was quiet ${SETTLE_MAX_STEPS} steps after all was well`);
    return scheduler.nowMs - quietSinceMs > 60_000 || scheduler.nowMs > untilMs;
  });
  if (checker.broken) return;
  const fresh = world.startAside('a process that starts from the log alone');
  const ends = world.history.lanes.map((lane) => lane.length);
  await world.run(
    () =>
      scheduler.nowMs > untilMs + 60_000 ||
      fresh.host.lanes.every(({ next }, index) => next >= (ends[index] ?? 0)),
  );
  fresh.party.isAlive = false;
  checker.atEnd();
}
