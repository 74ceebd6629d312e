import { Fault } from '@countersign/kernel';
import { Refused, Rejected } from '@countersign/service-kit';
import type { Process } from './replica.ts';
import type { World } from './world.ts';

/** What became of a request. After `unknown` it may have had its effect, or may have it yet. */
export type Answer<T> =
  | { readonly kind: 'answer'; readonly value: T }
  | { readonly kind: 'refused'; readonly code: string }
  | { readonly kind: 'unknown' };

const TIMEOUT_MS = 25_000;

/** A request over HTTP to any replica: it may not arrive, the process may end meanwhile, the answer may be lost. */
export function request<T>(
  world: World,
  name: string,
  serve: (process: Process) => Promise<T>,
): Promise<Answer<T>> {
  const { scheduler, weather, dice } = world;
  const { promise, resolve } = Promise.withResolvers<Answer<T>>();
  const { process } = dice.pick(world.replicas);
  const giveUp = (delayMs: number) =>
    scheduler.after(delayMs, `${name} gives up`, () => resolve({ kind: 'unknown' }));
  if (weather.strikes('clientLost')) {
    giveUp(dice.between(0, 5_000));
    return promise;
  }
  giveUp(TIMEOUT_MS);
  const answer = (value: Answer<T>) => {
    if (!process.party.isAlive || weather.strikes('clientLost')) return;
    scheduler.after(weather.delayMs(), `${name} is answered`, () => resolve(value));
  };
  const arrive = () => {
    if (!process.isUp) return answer({ kind: 'unknown' });
    void outcomeOf(world, name, () => serve(process)).then(answer);
  };
  scheduler.after(weather.delayMs(), name, arrive, process.party);
  return promise;
}

async function outcomeOf<T>(
  world: World,
  name: string,
  serve: () => Promise<T>,
): Promise<Answer<T>> {
  try {
    return { kind: 'answer', value: await serve() };
  } catch (error) {
    return refusalOf(world, name, error);
  }
}

function refusalOf(world: World, name: string, error: unknown): Answer<never> {
  if (error instanceof Refused) return { kind: 'refused', code: error.code };
  if (error instanceof Rejected) return { kind: 'refused', code: 'invalid_request' };
  if (error instanceof Fault) return { kind: 'unknown' };
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  world.checker.fail('bug', `${name}: ${text}`);
  return { kind: 'unknown' };
}

/** Repeats a request until its outcome is known. */
export async function insist<T>(
  world: World,
  name: string,
  serve: (process: Process) => Promise<T>,
): Promise<Exclude<Answer<T>, { kind: 'unknown' }>> {
  for (;;) {
    const answer = await request(world, name, serve);
    if (answer.kind !== 'unknown') return answer;
    await world.scheduler.sleep(world.dice.between(50, 2_000), `${name} is tried again`);
  }
}
