import { openStore } from '@countersign/adapter-sqlite';
import { Fault } from '@countersign/kernel';
import { type EventLog, type LogRecord, altered } from '@countersign/ports';
import { LaneHost } from '@countersign/service-kit';
import { PaidLog } from '@countersign/testkit';
import { expect, it, onTestFinished } from 'vitest';

const clock = { nowMs: () => 1_790_000_000_000, monotonicMs: () => 0 };
const isMissing = ({ lane, offset }: LogRecord) => lane === '0' && offset === 1;

/** A log of one lane with some payments, and the same without one of its records. */
async function logs() {
  const { log } = openStore({ path: ':memory:', laneCount: 1, clock });
  onTestFinished(() => log.close());
  const paid = new PaidLog(1, 1);
  await log.append(await paid.founding());
  await log.append(await paid.payment(0, clock.nowMs()));
  const without = altered(log, {
    read: async (lane, offset, max) =>
      (await log.read(lane, offset, max)).filter((record) => !isMissing(record)),
    subscribe: (from, onRecords, onFault) =>
      log.subscribe(
        from,
        (records) => onRecords(records.filter((record) => !isMissing(record))),
        onFault,
      ),
  });
  return { log, without, trusted: paid.trusted };
}

it.each([true, false])(
  'a record that is missing ends the service, threads: %s',
  async (threads) => {
    const { without, trusted } = await logs();
    const fatal = Promise.withResolvers<unknown>();
    const host = new LaneHost(without, trusted, fatal.resolve, { threads });
    const started = expect(host.start()).rejects.toThrow('lane 0: offset 2 where 1 was due');
    expect(String(await fatal.promise)).toContain('lane 0: offset 2 where 1 was due');
    await started;
    expect(host.lanes[0]?.next).toBe(1);
  },
);

it('a gap that the log tells of ends the service, which then takes nothing more', async () => {
  const { log, trusted } = await logs();
  const gap = new Fault('log_gap', 'lane 0: offset 2 where 1 was due', { retryable: false });
  const subscribe: EventLog['subscribe'] = (_from, _onRecords, onFault) => {
    onFault(gap);
    return { close: () => Promise.resolve() };
  };
  const faults: unknown[] = [];
  const told: EventLog = Object.assign(Object.create(log) as EventLog, { subscribe });
  const host = new LaneHost(told, trusted, (fault) => faults.push(fault));
  await expect(host.start()).rejects.toBe(gap);
  expect(faults).toEqual([gap]);
  const record = { lane: '0', offset: 0, stampMs: 0, key: 'x', bytes: new Uint8Array([0]) };
  await expect(host.appendAgain(record, '0')).rejects.toBe(gap);
});
