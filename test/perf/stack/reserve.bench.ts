import { createHash, randomUUID } from 'node:crypto';
import { openRedisBudgets } from '@countersign/adapter-redis';
import type { Booking, ReserveRequest } from '@countersign/ports';
import { Redis } from 'ioredis';
import { startRedis } from '../../../deploy/local/redis.mjs';
import { reservePlan } from '../../../libs/adapters/redis/src/plan.ts';
import { SCRIPTS } from '../../../libs/adapters/redis/src/scripts.ts';
import { type Bench, type Size, rate, secondsOf, thousands, times } from '../bench.ts';
import { reserveInPostgres } from './postgres-reserve.ts';

const CLIENTS = 64;
const ROUNDS = 5;
const CALLS = { quick: 2_000, full: 10_000 };
const POSTGRES_SECONDS = { quick: 5, full: 10 };
const BOOKED = { quick: 2_000, full: 100_000 };
const LOG = 'bench';

/** A payment under a daily limit of its agent, an hourly one of its seller, and a monthly one of the tenant. */
function requestOf(tenant: string, epoch: number, index: number): ReserveRequest {
  const [agent, seller] = [`agent:${index % 1_000}`, `seller:${index % 200}`];
  const limit = (id: string, scope: string, seconds: number) => ({
    ...{ id, scope, atMost: '9000000000000000' },
    window: { kind: 'rolling' as const, seconds },
  });
  return {
    ...{ tenant, epoch, paymentId: `pay_0_${randomUUID().replaceAll('-', '')}` },
    attempt: { round: 0, through: 0 },
    amount: 20_000n,
    scopes: [agent, seller, 'tenant:t'],
    always: [
      limit('agent-day', agent, 86_400),
      limit('seller-hour', seller, 3_600),
      limit('month', 'tenant:t', 2_592_000),
    ],
    tiers: [{ name: 'everyday', scope: `tier:everyday:${agent}`, limits: [] }],
    inputs: 'x'.repeat(600),
  };
}

/** Calls a second with so many under way at once. */
async function rateOf<T>(of: readonly T[], call: (one: T) => Promise<unknown>): Promise<number> {
  let next = 0;
  const client = async () => {
    for (let one = of[next++]; one !== undefined; one = of[next++]) await call(one);
  };
  const seconds = await secondsOf(() => Promise.all(Array.from({ length: CLIENTS }, client)));
  return rate(of.length, seconds);
}

const median = (values: readonly number[]) =>
  values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? NaN;

async function sideBySide(
  url: string,
  calls: number,
  rounds: number,
): Promise<{ port: number; script: number }> {
  const budgets = await openRedisBudgets({ url, logId: LOG });
  const redis = new Redis(url);
  try {
    const hash = createHash('sha1').update(SCRIPTS.reserve).digest('hex');
    const rates: { port: number; script: number }[] = [];
    // In turns, so that whatever else the machine does falls on both.
    for (let round = 0; round < rounds; round += 1) {
      const tenant = `t${randomUUID().slice(0, 8)}`;
      for (const name of [`${tenant}p`, `${tenant}s`])
        await budgets.rebuild({ tenant: name, epoch: 1 }, { atMs: Date.now(), payments: [] });
      const requests = (name: string) =>
        Array.from({ length: calls }, (_, index) => requestOf(name, 1, index));
      const port = await rateOf(requests(`${tenant}p`), (request) => budgets.reserve(request));
      const prepared = requests(`${tenant}s`).map((request) => [
        ...[LOG, '1', '', request.paymentId, '0', '0', String(request.amount), request.inputs],
        reservePlan(request, Date.now()),
      ]);
      const script = await rateOf(prepared, (args) =>
        redis.evalsha(hash, 1, `countersign:{${tenant}s}:fence`, ...args),
      );
      rates.push({ port, script });
    }
    return {
      port: median(rates.map(({ port }) => port)),
      script: median(rates.map(({ script }) => script)),
    };
  } finally {
    redis.disconnect();
    await budgets.close();
  }
}

async function rebuilding(url: string, payments: number): Promise<number> {
  const budgets = await openRedisBudgets({ url, logId: LOG, timeoutMs: 60_000 });
  const booked = Array.from({ length: payments }, (_, index): Booking => {
    const { paymentId, amount, scopes } = requestOf('r', 1, index);
    return index % 10 === 0
      ? { state: 'open', paymentId, amount, scopes }
      : { state: 'committed', paymentId, amount, scopes, spentAtMs: Date.now() - index };
  });
  try {
    return await secondsOf(() =>
      budgets.rebuild({ tenant: 'r', epoch: 2 }, { atMs: Date.now(), payments: booked }),
    );
  } finally {
    await budgets.close();
  }
}

/** On one server, which syncs its file each second, as we run it, and then before it answers. */
async function inRedis(size: Size, tell: (doing: string) => void) {
  // As in compose and the chart: an append-only file, synced each second unless something else is said.
  const server = await startRedis({ appendonly: 'yes' });
  try {
    tell('the port and the bare script, in turns');
    const { port, script } = await sideBySide(server.url, CALLS[size], ROUNDS);
    tell(`a book of ${thousands(BOOKED[size])} payments`);
    const seconds = await rebuilding(server.url, BOOKED[size]);
    await server.restart({ appendfsync: 'always' });
    tell('with each reservation synced to disk');
    const synced = await sideBySide(server.url, CALLS[size], 1);
    return { port, script, seconds, synced: synced.port };
  } finally {
    await server.stop();
  }
}

export const bench: Bench = {
  title: 'Reservations in Redis',
  about:
    'Sixty-four callers over one connection, three limits each; Redis with an append-only file that is synced each second, as we run it: the log can make the counters anew. The bare script gets arguments that were made before. PostgreSQL locks three rows in a function, called by 64 clients of pgbench: one row is the tenant, which every payment locks. As it comes it syncs before it answers; the last two lines give each side what the other promises.',
  async run(tell, size) {
    const { port, script, seconds, synced } = await inRedis(size, tell);
    tell('PostgreSQL row locks');
    const { durable, unsynced } = await reserveInPostgres(CLIENTS, POSTGRES_SECONDS[size]);
    const beside = (ours: number, theirs: number) =>
      `PostgreSQL ${thousands(theirs)} /s: ${times(ours / theirs)}`;
    return [
      {
        what: `reservations, ${CLIENTS} at once`,
        figure: `${thousands(port)} /s`,
        beside: `bare script ${thousands(script)} /s: ${times(port / script)}`,
        aim: '>= 0.80x',
      },
      {
        what: 'the same beside row locks, each side as it is run',
        figure: `${thousands(port)} /s`,
        beside: beside(port, durable),
        aim: '>= 8x',
      },
      {
        what: 'neither waits for its disk (synchronous_commit off)',
        figure: `${thousands(port)} /s`,
        beside: beside(port, unsynced),
      },
      {
        what: 'both wait for their disk (appendfsync always)',
        figure: `${thousands(synced)} /s`,
        beside: beside(synced, durable),
      },
      {
        what: `a book of ${thousands(BOOKED[size])} payments opened anew`,
        figure: `${seconds.toFixed(2)} s`,
        aim: '<= 1 s per 100,000',
      },
    ];
  },
};
