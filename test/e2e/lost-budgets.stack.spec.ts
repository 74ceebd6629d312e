import { once } from 'node:events';
import { connect } from 'node:net';
import { openRedisBudgets } from '@countersign/adapter-redis';
import { decodeEvent } from '@countersign/contracts';
import { CONTROL } from '@countersign/ports';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type RedisServer, startRedis } from '../../deploy/local/redis.mjs';
import { autonomous } from './policies.ts';
import type { Answer } from './rig.ts';
import { type Elsewhere, World } from './world.ts';

let server: RedisServer;
let world: World;
beforeEach(async () => {
  server = await startRedis();
  const budgetsOf: Elsewhere['budgetsOf'] = (log, clock) => {
    const nowMs = () => clock.nowMs();
    return openRedisBudgets({ url: server.url, logId: log.logId, timeoutMs: 500, nowMs });
  };
  world = await World.create(':memory:', { budgetsOf });
  await untilDone(world.usePolicy(autonomous({ perDay: '100.00' })));
});
afterEach(async () => {
  await world.stop();
  await server.stop();
});

/** Redis answers in its own time, and ours moves only when it is told to. */
async function untilDone<T>(work: Promise<T>): Promise<T> {
  let isDone = false;
  const mark = () => (isDone = true);
  void work.then(mark, mark);
  while (!isDone) await world.pass(50);
  return work;
}

let urls = 0;
const propose = (dollars: number): Promise<Answer> =>
  untilDone(
    world.propose({
      quote: { amount: String(dollars * 1_000_000) },
      url: `https://api.example.com/${(urls += 1)}`,
    }),
  );

async function untilDecided({ body }: Answer): Promise<string> {
  for (;;) {
    const { status } = await world.read(body.id);
    if (status === 'signed' || status === 'denied') return status;
    await world.pass(50);
  }
}

const epochs = async () => {
  const records = await world.log.read(CONTROL, 0, 1_000);
  const events = records.map((record) => decodeEvent(record.bytes));
  return events.filter((it) => 'name' in it && it.name === 'budget.epoch').length;
};

/** Has the server do what an operator types. */
async function type(command: 'SAVE' | 'FLUSHALL'): Promise<void> {
  const socket = connect(server.port, server.host);
  socket.write(`${command}\r\n`);
  const [answer] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  expect(answer.toString()).toBe('+OK\r\n');
}

/** Ways to lose the counters between two payments. */
const LOSSES: Record<string, () => Promise<void>> = {
  'is emptied': () => type('FLUSHALL'),
  'is killed, and kept nothing': () => server.restart({ dbfilename: 'none.rdb' }),
  'comes back with an old snapshot': () => server.restart(),
};

describe('a tenant whose budget server', () => {
  it.each(Object.entries(LOSSES))('%s', async (_, lose) => {
    expect(await untilDecided(await propose(1))).toBe('signed');
    await type('SAVE');
    const spent = await propose(30);
    expect(await untilDecided(spent)).toBe('signed');
    // Only the agent is given the signature.
    const signed = await world.call('research-1', 'GET', `/v1/payments/${spent.body.id}`);
    await world.present(signed.body);
    await world.pass(5_000);
    expect((await world.read(spent.body.id)).status).toBe('settled');
    expect(await untilDecided(await propose(50))).toBe('signed');
    const before = await epochs();
    await lose();
    expect(await untilDecided(await propose(20))).toBe('denied');
    expect(await untilDecided(await propose(19))).toBe('signed');
    expect(await untilDecided(await propose(1))).toBe('denied');
    expect(await epochs()).toBe(before + 1);
  });

  it('does not answer waits, and goes on by itself', async () => {
    expect(await untilDecided(await propose(60))).toBe('signed');
    const before = await epochs();
    await server.pause();
    const asked = world.propose({
      quote: { amount: '41000000' },
      url: 'https://api.example.com/waiting',
    });
    await world.pass(3_000);
    server.resume();
    expect(await untilDecided(await untilDone(asked))).toBe('denied');
    expect(await epochs()).toBe(before);
  });
});
