import { openStore } from '@countersign/adapter-sqlite';
import { type EventData, type EventName, decodeEvent, encodeEvent } from '@countersign/contracts';
import { LaneHost } from '@countersign/service-kit';
import { PaidLog } from '@countersign/testkit';
import type { AppendInput } from '@countersign/ports';
import { describe, expect, it, onTestFinished } from 'vitest';

const LANES = 3;
const PAYMENTS = 120;
const START_MS = 1_790_000_000_000;
const clock = { nowMs: () => START_MS, monotonicMs: () => 0 };

/** The same record with its service's name under a signature that is not of it. */
function forged(record: AppendInput, signature: string): AppendInput {
  const event = decodeEvent(record.bytes);
  if ('undecodable' in event || !('signature' in event.data)) throw new Error('nothing to forge');
  const data = { ...event.data, signature: { ...event.data.signature, value: signature } };
  const { bytes } = encodeEvent(event.name, data as EventData<EventName>, event.causationId);
  return { ...record, bytes };
}

async function world() {
  const { log } = openStore({ path: ':memory:', laneCount: LANES, clock });
  onTestFinished(() => log.close());
  const paid = new PaidLog(LANES, 5);
  await log.append(await paid.founding());
  for (let index = 0; index < PAYMENTS; index += 1) {
    const records = await paid.payment(index, START_MS);
    const [intent, decision] = records;
    if (!intent || !decision) throw new Error('a payment without records');
    if (index % 7 === 0)
      await log.append([intent, forged(decision, 'A'.repeat(86)), ...records.slice(1)]);
    else if (index % 11 === 0)
      await log.append([{ ...intent, bytes: new Uint8Array([1, 2]) }, ...records]);
    else await log.append(records);
  }
  const started = async (options: { threads: boolean }) => {
    const host = new LaneHost(log, paid.trusted, () => undefined, options);
    onTestFinished(() => host.close());
    const judged: string[] = [];
    host.onRecord(({ lane, offset }, { code }) => judged.push(`${lane}:${offset} ${code}`));
    await host.start();
    return { host, judged };
  };
  return { log, paid, started };
}

describe('a start whose signatures are verified on other threads', () => {
  it('folds every record as a start without does', async () => {
    const { paid, started } = await world();
    const plain = await started({ threads: false });
    const threaded = await started({ threads: true });
    expect(threaded.judged.toSorted()).toEqual(plain.judged.toSorted());
    expect(plain.judged.filter((it) => it.endsWith('not_genuine')).length).toBeGreaterThan(10);
    expect(plain.judged.filter((it) => it.endsWith('undecodable')).length).toBeGreaterThan(5);
    for (let lane = 0; lane < LANES; lane += 1)
      expect(threaded.host.head(String(lane))).toBe(plain.host.head(String(lane)));
    for (let index = 0; index < PAYMENTS; index += 1) {
      const id = paid.paymentId(index);
      expect(threaded.host.payment(id)).toEqual(plain.host.payment(id));
    }
  });

  it('goes on with what is appended after it', async () => {
    const { log, paid, started } = await world();
    const { host } = await started({ threads: true });
    const [intent] = await paid.payment(PAYMENTS, START_MS);
    if (intent) await log.append([intent]);
    await host.caughtUp(intent?.lane ?? '');
    expect(host.payment(paid.paymentId(PAYMENTS))?.phase.status).toBe('undecided');
  });
});
