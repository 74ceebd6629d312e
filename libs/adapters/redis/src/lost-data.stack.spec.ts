import { readFileSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { Fault } from '@countersign/kernel';
import type { Book, Bookings, Budgets, ReserveRequest, ReserveResult } from '@countersign/ports';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { type RedisServer, startRedis } from '../../../../deploy/local/redis.mjs';
import { openRedisBudgets } from './redis-budgets.ts';
import { type Relay, startRelay } from './testing/relay.ts';

const BOOK: Book = { tenant: 'acme', epoch: 4 };
const NEXT: Book = { ...BOOK, epoch: 9 };
const TIMEOUT_MS = 300;
const AWAY_MAX_MS = 20_000;
const HUNDRED = { id: 'l', scope: 'agent:a', window: { kind: 'lifetime' }, atMost: '100' } as const;
const NOTHING: Bookings = { atMs: 1, payments: [] };

const ask = (paymentId: string, amount: bigint, book = BOOK): ReserveRequest => ({
  ...book,
  paymentId,
  attempt: { round: 0, through: 0 },
  amount,
  scopes: ['agent:a'],
  always: [HUNDRED],
  tiers: [{ name: 'auto', scope: 'tier:a:auto', limits: [] }],
  inputs: '{}',
});
const tierOf = (it: ReserveResult) => (it.kind === 'answered' ? it.answer.tier : it.kind);
const lost = { name: 'Fault', code: 'budgets_lost', retryable: true };
const unavailable = { name: 'Fault', code: 'budgets_unavailable', retryable: true };

/** The log, after a payment of 60 was decided. */
const LOG: Bookings = {
  atMs: 1,
  payments: [{ state: 'open', paymentId: 'p1', amount: 60n, scopes: ['agent:a', 'tier:a:auto'] }],
};

let server: RedisServer;
let relay: Relay;
let budgets: Budgets;
let other: RedisServer | undefined;
beforeEach(async () => {
  server = await startRedis({ 'repl-diskless-sync-delay': '0' });
  relay = await startRelay(server.port);
  budgets = await openRedisBudgets({ url: relay.url, logId: 'log', timeoutMs: TIMEOUT_MS });
  await budgets.rebuild(BOOK, NOTHING);
});
afterEach(async () => {
  await budgets.close();
  await relay.close();
  await server.stop();
  await other?.stop();
  other = undefined;
});

/** Runs commands on a server directly, as an operator would. */
async function operate<T>(on: RedisServer, work: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(on.url);
  try {
    return await work(redis);
  } finally {
    redis.disconnect();
  }
}

/** Asks until there is an answer other than that nobody answers: the client connects again by itself, in its own time. */
async function answered<T>(call: () => Promise<T>): Promise<T> {
  const untilMs = performance.now() + AWAY_MAX_MS;
  for (;;)
    try {
      return await call();
    } catch (error) {
      const isAway = error instanceof Fault && error.code === 'budgets_unavailable';
      if (!isAway || performance.now() > untilMs) throw error;
      await setImmediate();
    }
}

/** Nothing is granted before the book was made anew from the log; then exactly what is left. */
async function goesOnFromTheLog(): Promise<void> {
  const calls: (() => Promise<unknown>)[] = [
    () => budgets.reserve(ask('p2', 41n)),
    () => budgets.commit(BOOK, 'p1', 1),
    () => budgets.release(BOOK, 'p1'),
    () => budgets.read(BOOK, [HUNDRED]),
    () => budgets.open(BOOK),
  ];
  for (const call of calls) await expect(answered(call)).rejects.toMatchObject(lost);
  expect(await answered(() => budgets.rebuild(NEXT, LOG))).toBe('opened');
  expect(tierOf(await budgets.reserve(ask('p2', 41n, NEXT)))).toBe(null);
  expect(tierOf(await budgets.reserve(ask('p3', 40n, NEXT)))).toBe('auto');
  expect(await budgets.open(NEXT)).toHaveLength(2);
}

describe('a server that lost what was written', () => {
  beforeEach(async () => {
    await budgets.reserve(ask('p0', 1n));
    await operate(server, (redis) => redis.save());
    await budgets.release(BOOK, 'p0');
    expect(tierOf(await budgets.reserve(ask('p1', 60n)))).toBe('auto');
  });

  it('because it was emptied', async () => {
    await operate(server, (redis) => redis.flushall());
    await goesOnFromTheLog();
  });

  it('because it was killed and keeps nothing', async () => {
    await server.restart({ dbfilename: 'none.rdb' });
    await goesOnFromTheLog();
  });

  it('because it came back with an old snapshot', async () => {
    await server.restart();
    expect(await operate(server, (redis) => redis.exists('countersign:{acme}:fence'))).toBe(1);
    await goesOnFromTheLog();
  });

  it('because a replica took over that lacks what was acknowledged', async () => {
    other = await startRedis({ replicaof: `127.0.0.1 ${server.port}`.split(' ') });
    const replica = other;
    const isThere = () => operate(replica, (redis) => redis.exists('countersign:{acme}:fence'));
    await expect.poll(isThere, { timeout: 30_000 }).toBe(1);
    // A master gets another replication id with its first replica.
    const book = { ...BOOK, epoch: 5 };
    await expect(budgets.open(BOOK)).rejects.toMatchObject(lost);
    await budgets.rebuild(book, NOTHING);
    const isThereToo = () =>
      operate(replica, (redis) => redis.hget('countersign:{acme}:fence', 'epoch'));
    await expect.poll(isThereToo, { timeout: 30_000 }).toBe('5');
    await operate(replica, (redis) => redis.replicaof('NO', 'ONE'));
    expect(tierOf(await budgets.reserve(ask('p1', 60n, book)))).toBe('auto');
    await server.kill();
    relay.lead(replica.port);
    await goesOnFromTheLog();
  });

  it.each(['fence', 'open', 'counters'])('because somebody deleted its %s', async (name) => {
    const deleted = await operate(server, async (redis) => {
      const keys = await redis.keys(`countersign:{acme}:*${name}`);
      return redis.del(...keys);
    });
    expect(deleted).toBe(1);
    await goesOnFromTheLog();
  });

  it('because somebody deleted one field', async () => {
    await operate(server, async (redis) => {
      const [open = ''] = await redis.keys('countersign:{acme}:*:open');
      return redis.hdel(open, 'p1');
    });
    await goesOnFromTheLog();
  });

  it('because somebody deleted what was spent', async () => {
    await budgets.commit(BOOK, 'p1', Date.now());
    await operate(server, async (redis) => redis.del(...(await redis.keys('*:spent:*'))));
    const hour = { ...HUNDRED, window: { kind: 'rolling', seconds: 3_600 } } as const;
    await expect(budgets.read(BOOK, [hour])).rejects.toMatchObject(lost);
  });
});

describe('a server whose clock was ahead', () => {
  const PAGE = readFileSync(new URL('../../../../docs/operations.md', import.meta.url), 'utf8');
  const RIGHT_MS = 1_790_000_000_000;
  const AHEAD_MS = RIGHT_MS + 3_600_000;

  it('has the right time again once the key that the runbook names is deleted', async () => {
    let nowMs = AHEAD_MS;
    const told = await openRedisBudgets({ url: server.url, logId: 'log', nowMs: () => nowMs });
    onTestFinished(() => told.close());
    const atMsOf = async (paymentId: string, book: Book) => {
      const it = await told.reserve(ask(paymentId, 1n, book));
      return it.kind === 'answered' ? it.answer.atMs : it.kind;
    };
    expect(await atMsOf('p1', BOOK)).toBe(AHEAD_MS);
    nowMs = RIGHT_MS;
    expect(await atMsOf('p2', BOOK)).toBe(AHEAD_MS);

    const [, key = ''] = /delete the key `([^`]+)`/.exec(PAGE) ?? [];
    const deleted = await operate(server, (redis) => redis.del(key.replace('<tenant>', 'acme')));
    expect(deleted).toBe(1);
    await expect(told.open(BOOK)).rejects.toMatchObject(lost);
    expect(await told.rebuild(NEXT, NOTHING)).toBe('opened');
    expect(await atMsOf('p3', NEXT)).toBe(RIGHT_MS);
  });
});

describe('an old master that survived', () => {
  it('answers for its own epoch only, which the log has left behind', async () => {
    await budgets.reserve(ask('p1', 60n));
    other = await startRedis();
    const elsewhere = await openRedisBudgets({ url: other.url, logId: 'log' });
    expect(await elsewhere.rebuild(NEXT, LOG)).toBe('opened');
    // Whoever has not seen the new epoch still gets answers, and they are of an epoch that no longer applies.
    const stale = await budgets.reserve(ask('p2', 40n));
    expect(stale).toMatchObject({ kind: 'answered', answer: { epoch: BOOK.epoch } });
    for (const call of [
      budgets.reserve(ask('p3', 1n, NEXT)),
      budgets.release(NEXT, 'p1'),
      budgets.commit(NEXT, 'p1', 1),
    ])
      await expect(call).rejects.toMatchObject(lost);
    expect(tierOf(await elsewhere.reserve(ask('p3', 40n, NEXT)))).toBe('auto');
    expect(tierOf(await elsewhere.reserve(ask('p4', 1n, NEXT)))).toBe(null);
    await expect(elsewhere.reserve(ask('p2', 40n))).rejects.toMatchObject({
      code: 'budgets_ahead',
    });
    await elsewhere.close();
  });
});

describe('a server that cannot be relied on', () => {
  it('is not asked while it may evict', async () => {
    await budgets.reserve(ask('p1', 60n));
    const setPolicy = (policy: string) =>
      operate(server, (redis) => redis.config('SET', 'maxmemory-policy', policy));
    await setPolicy('allkeys-lru');
    const unsafe = { name: 'Fault', code: 'budgets_unsafe', retryable: true };
    await expect(budgets.open(BOOK)).rejects.toMatchObject(unsafe);
    await expect(budgets.reserve(ask('p2', 1n))).rejects.toMatchObject(unsafe);
    await expect(budgets.rebuild(NEXT, LOG)).rejects.toMatchObject(unsafe);
    await setPolicy('noeviction');
    expect(tierOf(await budgets.reserve(ask('p2', 40n)))).toBe('auto');
  });

  it('is asked again when it stood still, and gives its first answer', async () => {
    await server.pause();
    await expect(budgets.reserve(ask('p1', 60n))).rejects.toMatchObject(unavailable);
    await expect(budgets.reserve(ask('p1', 60n))).rejects.toMatchObject(unavailable);
    server.resume();
    expect(tierOf(await answered(() => budgets.reserve(ask('p1', 60n))))).toBe('auto');
    expect(tierOf(await budgets.reserve(ask('p2', 41n)))).toBe(null);
    expect(await budgets.open(BOOK)).toEqual([{ paymentId: 'p1', amount: 60n }]);
  });

  it('is asked again when its answer was lost on the way', async () => {
    await budgets.read(BOOK, [HUNDRED]);
    relay.loseNextAnswer();
    await expect(budgets.reserve(ask('p1', 60n))).rejects.toMatchObject(unavailable);
    expect(tierOf(await answered(() => budgets.reserve(ask('p1', 60n))))).toBe('auto');
    expect(await budgets.read(BOOK, [HUNDRED])).toMatchObject([{ open: '60', openCount: 1 }]);
    relay.loseNextAnswer();
    await expect(budgets.commit(BOOK, 'p1', 5)).rejects.toMatchObject(unavailable);
    await answered(() => budgets.commit(BOOK, 'p1', 5));
    expect(await budgets.read(BOOK, [HUNDRED])).toMatchObject([{ open: '0', committed: '60' }]);
  });

  it('is refused when its counters are those of another log', async () => {
    const stranger = await openRedisBudgets({ url: server.url, logId: 'another' });
    const foreign = { name: 'Fault', code: 'budgets_foreign', retryable: false };
    await expect(stranger.reserve(ask('p1', 1n))).rejects.toMatchObject(foreign);
    await expect(stranger.rebuild(NEXT, NOTHING)).rejects.toMatchObject(foreign);
    await stranger.close();
    expect(await budgets.open(BOOK)).toEqual([]);
  });

  it('keeps nothing of a book that was not opened, or is older', async () => {
    await budgets.rebuild(NEXT, LOG);
    expect(await budgets.rebuild({ ...NEXT, epoch: 5 }, LOG)).toBe('outrun');
    const keys = await operate(server, (redis) => redis.keys('*'));
    const generations = new Set(keys.flatMap((key) => /\}:(\d+)-/.exec(key)?.[1] ?? []));
    expect([...generations]).toEqual(['9']);
  });
});
