import { openStore } from '@countersign/adapter-sqlite';
import { type EventLog, type LogRecord, altered } from '@countersign/ports';
import { LaneHost } from '@countersign/service-kit';
import { MemoryDuty, PaidLog, VirtualTime } from '@countersign/testkit';
import { expect, it, onTestFinished } from 'vitest';
import { LogTransport, type Work } from './log-transport.ts';
import { Metrics } from './metrics.ts';

const LANES = 4;
const lanes = Array.from({ length: LANES }, (_, lane) => lane);

/** Replicas of one service over a log that has something to fold. */
async function service() {
  const time = new VirtualTime(1_790_000_000_000);
  const { log } = openStore({ path: ':memory:', laneCount: LANES, clock: time.clock });
  onTestFinished(() => log.close());
  const paid = new PaidLog(LANES, 1);
  await log.append(await paid.founding());
  const duty = new MemoryDuty(LANES);
  return (view: EventLog = log, duties: readonly Work[] = []) => {
    const host = new LaneHost(view, paid.trusted, () => undefined);
    const shares = duty.replica();
    const metrics = new Metrics('policy');
    metrics.watch(host, { service: 'policy', duty: shares });
    const transport = new LogTransport({ host, duties, shares });
    onTestFinished(() => transport.close());
    const listening = new Promise<void>((resolve, reject) =>
      transport.listen((error) => (error instanceof Error ? reject(error) : resolve())),
    );
    const held = () => lanes.filter((lane) => shares.holds(lane));
    const told = async () =>
      /^countersign_duty_lanes\{.*\} (\d+)$/m.exec(await metrics.text())?.[1];
    return { log, transport, listening, held, told };
  };
}

/** The same log; what it delivers is held back until it is let go. */
function heldBack(log: EventLog) {
  const waiting = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  const view = altered(log, {
    subscribe: (from, onRecords, onFault) => {
      const deliver = (records: readonly LogRecord[]) => {
        waiting.resolve();
        void released.promise.then(() => onRecords(records));
      };
      return log.subscribe(from, deliver, onFault);
    },
  });
  return { view, waiting: waiting.promise, release: () => released.resolve() };
}

it('a replica takes lanes when it has folded the log, and leaves them to others until then', async () => {
  const replica = await service();
  const first = replica();
  await first.listening;
  const { view, waiting, release } = heldBack(first.log);
  const second = replica(view);
  await waiting;
  expect([first.held(), second.held()]).toEqual([lanes, []]);
  expect([await first.told(), await second.told()]).toEqual(['4', '0']);
  release();
  await second.listening;
  expect([...first.held(), ...second.held()].sort()).toEqual(lanes);
  expect([await first.told(), await second.told()]).toEqual(['2', '2']);
});

it('a replica whose duties cannot begin takes no lanes', async () => {
  const replica = await service();
  const first = replica();
  await first.listening;
  const stuck = { start: () => Promise.reject(new Error('no journal')), stop: () => undefined };
  const second = replica(first.log, [stuck]);
  await expect(second.listening).rejects.toThrow('no journal');
  expect([first.held(), second.held()]).toEqual([lanes, []]);
});

it('a replica that is closed while it folds begins nothing and takes no lanes', async () => {
  const replica = await service();
  const first = replica();
  await first.listening;
  const { view, waiting, release } = heldBack(first.log);
  let begun = 0;
  const duty = { start: () => void (begun += 1), stop: () => undefined };
  const second = replica(view, [duty]);
  const given = expect(second.listening).rejects.toMatchObject({ code: 'closed' });
  await waiting;
  await second.transport.close();
  release();
  await given;
  expect([first.held(), second.held(), begun]).toEqual([lanes, [], 0]);
});
