import { openStore } from '@countersign/adapter-sqlite';
import { altered } from '@countersign/ports';
import { LaneHost, signStatement } from '@countersign/service-kit';
import { encodeEvent } from '@countersign/contracts';
import { PaidLog, VirtualTime } from '@countersign/testkit';
import { expect, it, onTestFinished } from 'vitest';

const NOW_MS = 1_790_000_000_000;
const LANES = 4;

/** A fold of a log whose subscription can be made to fail. */
async function folding() {
  const { log } = openStore({
    path: ':memory:',
    laneCount: LANES,
    clock: new VirtualTime(NOW_MS).clock,
  });
  onTestFinished(() => log.close());
  const paid = new PaidLog(LANES, 1);
  await log.append(await paid.founding());
  let fail: (error: unknown) => void = () => undefined;
  const failing = altered(log, {
    subscribe: (from, onRecords, onFault) => {
      let isOver = false;
      fail = (error) => {
        isOver = true;
        onFault(error);
      };
      return log.subscribe(from, (records) => isOver || onRecords(records), onFault);
    },
  });
  const fatal: unknown[] = [];
  const host = new LaneHost(failing, paid.trusted, (error) => fatal.push(error));
  await host.start();
  return { log, paid, host, fatal, fail: (error: unknown) => fail(error) };
}

it('who waits for the end of a lane is told that nothing is folded any more', async () => {
  const { log, paid, host, fatal, fail } = await folding();
  const lost = new Error('the log changed');
  await log.append((await paid.payment(0, NOW_MS)).slice(0, 1));
  await host.caughtUpWithAll();
  fail(lost);
  await log.append((await paid.payment(0, NOW_MS)).slice(1, 2));
  await expect(host.caughtUpWithAll()).rejects.toBe(lost);
  expect(fatal).toEqual([lost]);
});

it('a forged mark past the end of control keeps its lane waiting, and nobody else', async () => {
  const { log, paid, host } = await folding();
  const key = paid.keys.get('policy');
  if (!key) throw new Error('policy has a key');
  const through = await log.end('control');
  const mark = { lane: 0, through };
  const data = await signStatement(key, 'mark.made', mark, 'forged');
  const { bytes } = encodeEvent('mark.made', data, 'forged');
  await log.append([{ lane: '0', key: 'lane/0', bytes }]);
  await host.caughtUpWithAll();
  expect(host.lanes[0]?.next).toBe((await log.end('0')) - 1);

  // Control comes that far after all.
  const next = await signStatement(key, 'mark.made', { lane: 0, through: 0 }, 'other');
  await log.append([
    { lane: 'control', key: 'x', bytes: encodeEvent('mark.made', next, 'other').bytes },
  ]);
  await host.caughtUpWithAll();
  expect(host.lanes[0]?.next).toBe(await log.end('0'));
});
