import { type Booking, type Bookings, ENDED_KEPT_MS } from '@countersign/ports';
import type { Redis } from 'ioredis';
import { SCRIPTS } from './scripts.ts';

/** Arguments of one command, which go in pairs: it takes a few milliseconds, and others wait meanwhile. */
const ARGUMENTS_MAX = 2_000;
/** Commands under way at a time: one side packs while the other unpacks. */
const UNDER_WAY_MAX = 4;
const SCANNED_EACH = 1_000;

interface Counter {
  open: bigint;
  openCount: number;
  spent: bigint;
  spentCount: number;
  /** Score and member by turns, as ZADD takes them. */
  readonly entries: (number | string)[];
}

/** What there must be of a generation that was written whole. */
interface Written {
  readonly opens: number;
  readonly counters: number;
}

/**
 * Writes counters under keys that nobody reads yet, in the shapes the scripts know (`lua/counter.lua`,
 * `lua/payment.lua`).
 */
export async function writeGeneration(
  redis: Redis,
  fence: string,
  generation: string,
  { payments }: Bookings,
): Promise<Written> {
  const base = `${fence.slice(0, -'fence'.length)}${generation}:`;
  const states: string[] = [];
  const opens: string[] = [];
  for (const payment of payments) {
    const { state, paymentId } = payment;
    states.push(state, paymentId);
    if (state === 'open')
      opens.push(paymentId, `${payment.amount} ${JSON.stringify(payment.scopes)}`);
  }
  await inParallel(chunks(states), (some) =>
    redis.eval(SCRIPTS.enter, 1, fence, generation, ENDED_KEPT_MS, ...some),
  );
  await inParallel(chunks(opens), (some) => redis.hset(`${base}open`, ...some));
  const counters: string[] = [];
  const entries: { readonly key: string; readonly some: readonly (number | string)[] }[] = [];
  for (const [scope, counter] of summed(payments)) {
    const { open, openCount, spent, spentCount } = counter;
    // Every payment that was spent is an entry by time.
    counters.push(scope, `${open} ${openCount} ${spent} ${spentCount} ${spentCount}`);
    for (const some of chunks(counter.entries))
      entries.push({ key: `${base}spent:${scope}`, some });
  }
  await inParallel(entries, ({ key, some }) => redis.zadd(key, ...some));
  await inParallel(chunks(counters), (some) => redis.hset(`${base}counters`, ...some));
  return { opens: opens.length / 2, counters: counters.length / 2 };
}

/** Removes the keys of the generations that `isOver` names, by name and epoch. */
export async function dropGenerations(
  redis: Redis,
  base: string,
  isOver: (generation: string, epoch: number) => boolean,
): Promise<void> {
  let cursor = '0';
  do {
    const [next, keys] = await redis.scan(cursor, 'MATCH', `${base}*`, 'COUNT', SCANNED_EACH);
    const over = keys.filter((key) => {
      const [generation = '', rest] = key.slice(base.length).split(':', 2);
      return rest !== undefined && isOver(generation, Number(generation.split('-', 1)[0]));
    });
    if (over.length > 0) await redis.unlink(...over);
    cursor = next;
  } while (cursor !== '0');
}

function summed(payments: readonly Booking[]): ReadonlyMap<string, Counter> {
  const counters = new Map<string, Counter>();
  for (const payment of payments) {
    if (payment.state === 'released') continue;
    for (const scope of payment.scopes) count(counters, scope, payment);
  }
  return counters;
}

function count(
  counters: Map<string, Counter>,
  scope: string,
  payment: Exclude<Booking, { state: 'released' }>,
): void {
  const counter = counters.get(scope) ?? {
    open: 0n,
    openCount: 0,
    spent: 0n,
    spentCount: 0,
    entries: [],
  };
  counters.set(scope, counter);
  const { amount, paymentId } = payment;
  if (payment.state === 'open') {
    counter.open += amount;
    counter.openCount += 1;
    return;
  }
  counter.spent += amount;
  counter.spentCount += 1;
  counter.entries.push(payment.spentAtMs, `${amount}:${paymentId}`);
}

function* chunks<T>(all: readonly T[]): Generator<readonly T[]> {
  for (let at = 0; at < all.length; at += ARGUMENTS_MAX) yield all.slice(at, at + ARGUMENTS_MAX);
}

/** Some at a time, until all are done or one has failed. */
async function inParallel<T>(all: Iterable<T>, each: (one: T) => Promise<unknown>): Promise<void> {
  const rest = all[Symbol.iterator]();
  const work = async () => {
    for (let next = rest.next(); next.done !== true; next = rest.next()) await each(next.value);
  };
  await Promise.all(Array.from({ length: UNDER_WAY_MAX }, work));
}
