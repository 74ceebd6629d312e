import { openStore } from '@countersign/adapter-sqlite';
import { type LogRecord, altered } from '@countersign/ports';
import { LaneHost } from '@countersign/service-kit';
import { PaidLog, VirtualTime } from '@countersign/testkit';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Freshness } from './freshness.ts';

const LANES = 2;

/** A replica whose log delivers only when it is told to. */
async function replica() {
  const time = new VirtualTime(1_790_000_000_000);
  const { log } = openStore({ path: ':memory:', laneCount: LANES, clock: time.clock });
  onTestFinished(() => log.close());
  const paid = new PaidLog(LANES, 1);
  await log.append(await paid.founding());
  const held: (() => void)[] = [];
  let isHeld = false;
  let looks = 0;
  const late = altered(log, {
    ends: (lanes) => {
      looks += 1;
      return log.ends(lanes);
    },
    subscribe: (from, onRecords, onFault) => {
      const deliver = (records: readonly LogRecord[]) => {
        if (isHeld) held.push(() => onRecords(records));
        else onRecords(records);
      };
      return log.subscribe(from, deliver, onFault);
    },
  });
  const host = new LaneHost(late, paid.trusted, () => undefined);
  onTestFinished(() => host.close());
  await host.start();
  const propose = async () => {
    const [intent] = await paid.payment(0, time.nowMs, 'vetoed');
    if (intent) await log.append([intent]);
    return paid.paymentId(0);
  };
  return {
    host,
    time,
    propose,
    freshness: new Freshness(host, time.timers),
    hold: () => (isHeld = true),
    release: () => {
      isHeld = false;
      for (const deliver of held.splice(0)) deliver();
    },
    looks: () => looks,
  };
}

describe('a replica that others are ahead of', () => {
  it('answers once it has folded what stood in the log when it was asked', async () => {
    const { host, propose, freshness, hold, release } = await replica();
    hold();
    const id = await propose();
    const asked = freshness.reached().then(() => host.payment(id)?.id);
    expect(host.payment(id)).toBeUndefined();
    release();
    expect(await asked).toBe(id);
  });

  it('says that it is behind, rather than answer late or wrongly', async () => {
    const { time, propose, freshness, hold } = await replica();
    hold();
    await propose();
    const asked = freshness.reached();
    const refused = expect(asked).rejects.toMatchObject({ code: 'log_unavailable' });
    time.moveTo(time.nowMs + 5_000);
    await refused;
    const ready = freshness.isReached();
    time.moveTo(time.nowMs + 5_000);
    expect(await ready).toBe(false);
  });

  it('looks once for all that ask at once, and again for who asked since', async () => {
    const { freshness, looks } = await replica();
    const before = looks();
    const first = freshness.reached();
    await Promise.all([first, ...Array.from({ length: 50 }, () => freshness.reached())]);
    expect(looks() - before).toBe(2);
  });
});
