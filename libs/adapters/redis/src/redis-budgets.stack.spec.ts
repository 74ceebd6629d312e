import { type SetClock, describeBudgets, describeBudgetsModel } from '@countersign/ports/suites';
import { Redis } from 'ioredis';
import { afterAll, beforeAll } from 'vitest';
import { type RedisServer, startRedis } from '../../../../deploy/local/redis.mjs';
import { openRedisBudgets } from './redis-budgets.ts';

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(async () => {
  await server.stop();
});

let stores = 0;

/** A store of its own on the one server: another log, in another database. */
async function makeStore(clock: SetClock) {
  const database = (stores += 1) % 16;
  const options = {
    url: `${server.url}/${database}`,
    logId: `log-${stores}`,
    nowMs: () => clock.nowMs(),
  };
  const budgets = await openRedisBudgets(options);
  const client = new Redis(options.url);
  await client.flushdb();
  client.disconnect();
  let last = budgets;
  return {
    budgets,
    reopen: async () => {
      await last.close();
      last = await openRedisBudgets(options);
      return last;
    },
    dispose: async () => last.close(),
  };
}

const factory = { capabilities: { clock: true, durable: true }, create: makeStore };
describeBudgets('Redis', factory);
describeBudgetsModel('Redis', factory);
