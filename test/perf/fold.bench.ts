import { join } from 'node:path';
import { type Store, openStateStore, openStore } from '@countersign/adapter-sqlite';
import { LaneHost } from '@countersign/service-kit';
import { PaidLog } from '@countersign/testkit';
import {
  type Bench,
  type Line,
  heapMiB,
  inDirectory,
  quantile,
  rate,
  secondsOf,
  thousands,
  times,
} from './bench.ts';

const LANES = 8;
const CHUNK = 200;
const LOOK_UPS = 2_000;
const POINTS = { quick: [200, 1_000], full: [1_000, 10_000, 100_000] };
/** Short lives of three records, so that a million fit into the time. */
const MANY = { quick: 2_000, full: 1_000_000 };

async function write(
  { store, paid, short }: { store: Store; paid: PaidLog; short: boolean },
  from: number,
  to: number,
) {
  for (let index = from; index < to; index += CHUNK) {
    const payments = Array.from({ length: Math.min(CHUNK, to - index) }, (_, at) =>
      paid.payment(index + at, Date.now(), short ? 'vetoed' : 'settled'),
    );
    await store.log.append((await Promise.all(payments)).flat());
  }
}

async function started(store: Store, paid: PaidLog, statePath: string | undefined) {
  const state = statePath === undefined ? undefined : openStateStore(statePath);
  const host = new LaneHost(store.log, paid.trusted, fail, {
    threads: true,
    ...(state && { state }),
  });
  const seconds = await secondsOf(() => host.start());
  const close = async () => {
    await host.close();
    state?.close();
  };
  return { host, seconds, close };
}

/** The same, closed at once; and what it added to the heap. */
async function startedAlone(store: Store, paid: PaidLog, statePath: string | undefined) {
  const before = heapMiB();
  const { seconds, close } = await started(store, paid, statePath);
  const heap = heapMiB() - before;
  await close();
  return { seconds, heap };
}

function fail(error: unknown): never {
  throw error;
}

/** Microseconds of one look-up of a payment, and of one whole timeline, at random. */
async function lookUps(host: LaneHost, paid: PaidLog, payments: number) {
  const found: number[] = [];
  const told: number[] = [];
  for (let look = 0; look < LOOK_UPS; look += 1) {
    const id = paid.paymentId((look * 7_919) % payments);
    found.push(1e6 * (await secondsOf(() => host.payment(id) ?? fail(new Error(id)))));
    told.push(1e6 * (await secondsOf(() => host.recordsOf(id))));
  }
  return { found, told };
}

export const bench: Bench = {
  title: 'The fold: start, look-ups and memory as the log grows',
  about:
    'Genuine logs of whole payments (seven records, five of them signed) in the SQLite log, folded from the beginning, and again from the kept state. Folding is limited by ed25519 verification; a start from the kept state by reading it.',
  async run(tell, size, { paymentsMax = Infinity }) {
    const lines: Line[] = [];
    await inDirectory(async (folder) => {
      const clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() };
      const paid = new PaidLog(LANES, 64);
      const store = openStore({ path: join(folder, 'log.db'), laneCount: LANES, clock });
      await store.log.append(await paid.founding());
      const statePath = join(folder, 'fold.db');
      const at: { found: number; told: number }[] = [];
      let from = 0;
      for (const payments of POINTS[size].filter((it) => it <= paymentsMax)) {
        tell(`writing ${thousands(payments)} payments`);
        await write({ store, paid, short: false }, from, payments);
        from = payments;
        tell(`starting on ${thousands(payments)} payments`);
        const fromLog = await startedAlone(store, paid, undefined);
        await startedAlone(store, paid, statePath);
        const before = heapMiB();
        const kept = await started(store, paid, statePath);
        const heap = heapMiB() - before;
        const { found, told } = await lookUps(kept.host, paid, payments);
        await kept.close();
        at.push({ found: quantile(found, 0.5), told: quantile(told, 0.5) });
        const records = payments * 7;
        lines.push({
          what: `start with ${thousands(payments)} payments (${thousands(records)} records)`,
          figure: `${kept.seconds.toFixed(3)} s from the kept state`,
          beside: `${fromLog.seconds.toFixed(2)} s from the log alone (${thousands(rate(records, fromLog.seconds))} records/s): ${times(kept.seconds / fromLog.seconds)}`,
        });
        lines.push({
          what: `heap with ${thousands(payments)} payments`,
          figure: `${heap.toFixed(1)} MiB with the state store`,
          beside: `${fromLog.heap.toFixed(1)} MiB without`,
        });
        lines.push({
          what: `one payment by id, of ${thousands(payments)}`,
          figure: `p50 ${quantile(found, 0.5).toFixed(0)} us, p99 ${quantile(found, 0.99).toFixed(0)} us`,
          beside: `${times(quantile(found, 0.5) / (at[0]?.found ?? 1))} of the smallest log`,
          aim: 'flat',
        });
        lines.push({
          what: `its records from the log's index, of ${thousands(payments)}`,
          figure: `p50 ${quantile(told, 0.5).toFixed(0)} us, p99 ${quantile(told, 0.99).toFixed(0)} us`,
          beside: `${times(quantile(told, 0.5) / (at[0]?.told ?? 1))} of the smallest log`,
          aim: '< 1 ms',
        });
      }
      await store.close();
    });
    lines.push(...(await many(tell, Math.min(MANY[size], paymentsMax * 10))));
    return lines;
  },
};

/** Heap of a host that lives through very many payments. */
async function many(tell: (progress: string) => void, count: number): Promise<Line[]> {
  return inDirectory(async (folder) => {
    const clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() };
    const paid = new PaidLog(LANES, 64);
    const store = openStore({ path: join(folder, 'log.db'), laneCount: LANES, clock });
    await store.log.append(await paid.founding());
    const { host, close } = await started(store, paid, join(folder, 'fold.db'));
    const heaps: { at: number; heap: number }[] = [];
    const steps = 10;
    for (let step = 1; step <= steps; step += 1) {
      const to = (count * step) / steps;
      await write({ store, paid, short: true }, (count * (step - 1)) / steps, to);
      for (let lane = 0; lane < LANES; lane += 1) await host.caughtUp(String(lane));
      heaps.push({ at: to, heap: heapMiB() });
      tell(
        `${thousands(to)} of ${thousands(count)} payments: ${heaps.at(-1)?.heap.toFixed(0)} MiB`,
      );
    }
    await close();
    await store.close();
    const [first, last] = [heaps[0], heaps.at(-1)];
    return [
      {
        what: `heap after ${thousands(count)} short payments (3 records each)`,
        figure: `${last?.heap.toFixed(1)} MiB`,
        beside: `${first?.heap.toFixed(1)} MiB after ${thousands(first?.at ?? 0)}: ${times((last?.heap ?? 0) / (first?.heap ?? 1))}`,
        aim: 'flat',
      },
    ];
  });
}
