import type { Bookings } from '@countersign/ports';
import type { ChainableCommander, Redis } from 'ioredis';

/** Commands sent before their answers are awaited, and fields of one command. */
const BATCH = 1_000;
const ENDED_KEPT_MS = 400 * 86_400_000;

interface Counter {
  open: bigint;
  openCount: number;
  spent: bigint;
  spentCount: number;
  /** Member and score by turns, as ZADD takes them the other way round. */
  readonly entries: (string | number)[];
}

/**
 * Writes counters under keys that nobody reads yet, in the shapes the scripts know (`lua/counter.lua`,
 * `lua/payment.lua`), and returns what there must then be.
 */
export async function writeGeneration(redis: Redis, base: string, { payments }: Bookings) {
  const counters = new Map<string, Counter>();
  const opens: string[] = [];
  const writer = new Writer(redis);
  for (const payment of payments) {
    const { paymentId, state } = payment;
    const key = `${base}payment:${paymentId}`;
    await writer.add((batch) => batch.hset(key, 'state', state));
    if (state !== 'open') await writer.add((batch) => batch.pexpire(key, ENDED_KEPT_MS));
    if (state === 'released') continue;
    for (const scope of payment.scopes) count(counters, scope, payment);
    if (state === 'open')
      opens.push(paymentId, `${payment.amount} ${JSON.stringify(payment.scopes)}`);
  }
  for (const fields of chunks(opens)) await writer.add((it) => it.hset(`${base}open`, ...fields));
  const packed: string[] = [];
  for (const [scope, { open, openCount, spent, spentCount, entries }] of counters) {
    packed.push(scope, `${open} ${openCount} ${spent} ${spentCount} ${entries.length / 2}`);
    for (const some of chunks(entries))
      await writer.add((it) => it.zadd(`${base}spent:${scope}`, ...some));
  }
  for (const fields of chunks(packed))
    await writer.add((it) => it.hset(`${base}counters`, ...fields));
  await writer.flush();
  return { opens: opens.length / 2, counters: counters.size };
}

/** Removes the keys of the generations that `isOver` names, by epoch and name. */
export async function dropGenerations(
  redis: Redis,
  base: string,
  isOver: (generation: string, epoch: number) => boolean,
): Promise<void> {
  let cursor = '0';
  do {
    const [next, keys] = await redis.scan(cursor, 'MATCH', `${base}*`, 'COUNT', BATCH);
    const over = keys.filter((key) => {
      const [generation = '', rest] = key.slice(base.length).split(':', 2);
      return rest !== undefined && isOver(generation, Number(generation.split('-', 1)[0]));
    });
    if (over.length > 0) await redis.unlink(...over);
    cursor = next;
  } while (cursor !== '0');
}

function count(
  counters: Map<string, Counter>,
  scope: string,
  payment: Exclude<Bookings['payments'][number], { state: 'released' }>,
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

function* chunks<T>(all: readonly T[]): Generator<T[]> {
  for (let at = 0; at < all.length; at += 2 * BATCH) yield all.slice(at, at + 2 * BATCH);
}

/** Sends commands in batches, and stops at the first that fails. */
class Writer {
  readonly #redis: Redis;
  #batch: ChainableCommander;
  #size = 0;

  constructor(redis: Redis) {
    this.#redis = redis;
    this.#batch = redis.pipeline();
  }

  async add(command: (batch: ChainableCommander) => unknown): Promise<void> {
    command(this.#batch);
    this.#size += 1;
    if (this.#size >= BATCH) await this.flush();
  }

  async flush(): Promise<void> {
    if (this.#size === 0) return;
    const answers = await this.#batch.exec();
    const failed = answers?.find(([error]) => error)?.[0];
    if (failed || !answers) throw failed ?? new Error('the batch was not answered');
    this.#batch = this.#redis.pipeline();
    this.#size = 0;
  }
}
