import { openStore } from '@countersign/adapter-sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { autonomous } from './policies.ts';
import { World } from './world.ts';

const DAY_MS = 86_400_000;
const url = (name: string) => `https://api.example.com/${name}`;

describe('budgets whose store has a clock that is ahead', () => {
  let aheadMs = 0;
  let world: World;
  beforeEach(async () => {
    world = await World.create(':memory:', {
      budgetsOf: (log, time) => {
        const clock = {
          monotonicMs: () => time.monotonicMs(),
          nowMs: () => time.nowMs() + aheadMs,
        };
        const store = openStore({ path: ':memory:', laneCount: 4, logId: log.logId, clock });
        return Promise.resolve(store.budgets);
      },
    });
    await world.usePolicy(autonomous({ perDay: '100.00' }));
  });
  afterEach(async () => {
    aheadMs = 0;
    await world.stop();
  });

  /** Nine tenths of the day's budget. */
  async function spendMost(): Promise<void> {
    const { body } = await world.propose({ quote: { amount: '90000000' }, url: url('first') });
    await world.present(body);
    await world.pass(5_000);
    expect((await world.read(body.id)).status).toBe('settled');
  }
  const askMore = (name: string) =>
    world.propose({ quote: { amount: '20000000' }, url: url(name) });

  it('count what was spent for a whole window from its grant', async () => {
    aheadMs = 20_000;
    const grantedMs = world.time.nowMs + aheadMs;
    await spendMost();
    await world.jump(grantedMs + DAY_MS - 5_000 - aheadMs - world.time.nowMs);
    expect((await askMore('within')).body.status).toBe('denied');
    await world.jump(10_000);
    expect((await askMore('after')).body.status).toBe('signed');
  });

  it('decide nothing while it is too far ahead, and go on when the time has come', async () => {
    await spendMost();
    aheadMs = DAY_MS + 60_000;
    const asked = askMore('waits');
    await world.pass(20_000);
    const { id } = (await asked).body;
    expect((await world.read(id)).status).toBe('undecided');
    aheadMs = 0;
    await world.pass(2_000);
    expect((await world.read(id)).status).toBe('undecided');
    await world.jump(DAY_MS + 60_000);
    await world.pass(5_000);
    expect((await world.read(id)).status).toBe('signed');
  });
});
