import { randomBytes, randomFillSync } from 'node:crypto';
import { join } from 'node:path';
import { serialize } from 'node:v8';
import { type Store, openStateStore, openStore } from '@countersign/adapter-sqlite';
import {
  type CompiledPolicy,
  compilePolicy,
  concludeDecision,
  planDecision,
} from '@countersign/policy';
import { parsePolicyText } from '@countersign/policy/text';
import type { Booking, StateStore } from '@countersign/ports';
import { LaneHost } from '@countersign/service-kit';
import { autonomous } from '../e2e/policies.ts';
import {
  type Bench,
  type Line,
  inDirectory,
  nanosOfEach,
  quantile,
  secondsOf,
  thousands,
  times,
} from './bench.ts';
import { OWNER, factsOf, reserved } from './purchase.ts';

const POINTS = { quick: [200, 2_000], full: [1_000, 100_000, 10_000_000] };
const AGENTS = 1_000;
const SPAN_MS = 180 * 86_400_000;
const CALLS = 2_000;
const DECISIONS = 20_000;
/** Of a payment in the log: what the timeline of a short one has. */
const RECORDS_EACH = 3;
const RECORD = new TextEncoder().encode(`{"filler":"${'x'.repeat(200)}"}`);
/** Payments of one transaction. */
const CHUNK = 20_000;
const POLICY = autonomous({ perDay: '100000000.00' })
  .replace('scope: agent', 'scope: tenant')
  .replace('seconds: 86400', 'seconds: 2592000');

/** Ids of payments, of which half is drawn and the other follows from it: real ones are hashes. */
type Ids = BigUint64Array<ArrayBuffer>;

function paymentId(drawn: bigint): string {
  const rest = BigInt.asUintN(64, drawn * 0x9e3779b97f4a7c15n);
  return `pay_0_${hex(drawn)}${hex(rest)}`;
}

function hex(bits: bigint): string {
  return bits.toString(16).padStart(16, '0');
}

/** As a kept payment stands there; all alike but for the key. */
const PAYMENT = serialize({ id: paymentId(0n), filler: 'x'.repeat(300) });

/** Paid over half a year, by agents in turn; in the order in which the kept fold gives them: by id, the last one first. */
function booked(ids: Ids, nowMs: number): Booking[] {
  const scopes = Array.from({ length: AGENTS }, (_, index) => [
    `agent:agent-${index}`,
    `tenant:${OWNER.tenant}`,
  ]);
  const ordered = ids.slice().sort().reverse();
  return Array.from(ordered, (id, index) => ({
    state: 'committed',
    paymentId: paymentId(id),
    amount: 20_000n,
    scopes: scopes[index % AGENTS] ?? [],
    // In no order beside that of the ids.
    spentAtMs: nowMs - Math.floor(((index * 0.6180339887) % 1) * SPAN_MS),
  }));
}

/** Microseconds of each of some calls, one after the other. */
async function timed(call: (index: number) => unknown): Promise<readonly number[]> {
  const micros: number[] = [];
  for (let index = 0; index < CALLS; index += 1)
    micros.push(1e6 * (await secondsOf(() => call(index))));
  return micros;
}

/** One agent's decisions and reservations, beside what is booked. */
async function deciding(store: Store, policy: CompiledPolicy, epoch: number) {
  const reserve = async (index: number) => {
    const facts = { ...factsOf(Date.now()), agent: `agent-${index % AGENTS}` };
    const about = { paymentId: `pay_0_${randomBytes(16).toString('hex')}`, epoch };
    return { facts, ...(await reserved(store.budgets, policy, facts, about)) };
  };
  const { facts, plan, answer } = await reserve(CALLS);
  if (!answer.readings.some(({ committed }) => committed !== '0'))
    throw new Error('the budget reads nothing of what is booked');
  const decide = () => {
    const again = planDecision(policy, facts);
    if (again.kind !== 'candidates') throw new Error('decided otherwise');
    return concludeDecision(policy, facts, plan, answer);
  };
  const { decided } = nanosOfEach({ decided: decide }, DECISIONS, 5);
  return { decided, reserving: await timed(reserve) };
}

/**
 * Enters payments into log and kept fold as they stand there, without what folding them costs. In the order of their ids,
 * so that an index is written page after page: in no order, each payment would change pages all over the file. Its pages
 * are fuller for it (nine tenths and more, where ids in no order fill some seven), and it is as deep.
 */
async function enter(store: Store, state: StateStore, ids: Ids, entered: number): Promise<void> {
  const added = ids.slice(entered).sort();
  for (let at = 0; at < added.length; at += CHUNK)
    await enterChunk(store, state, Array.from(added.subarray(at, at + CHUNK), paymentId));
}

async function enterChunk(store: Store, state: StateStore, ids: readonly string[]): Promise<void> {
  const records = ids.flatMap((id) =>
    Array.from({ length: RECORDS_EACH }, () => ({ lane: '0', key: id, bytes: RECORD })),
  );
  const positions = await store.log.append(records);
  const puts = ids.flatMap((id, at) => {
    const own = positions.slice(at * RECORDS_EACH, (at + 1) * RECORDS_EACH);
    const named = own.map(({ offset }) => ({ offset, code: null }));
    return [
      { collection: 'payments', key: id, value: PAYMENT },
      { collection: 'named', key: id, value: serialize(named) },
    ];
  });
  state.save({ puts, deletes: [], nowMs: Date.now() });
}

async function lookingUp(store: Store, state: StateStore, ids: Ids) {
  const fail = (error: unknown): never => {
    throw error;
  };
  const host = new LaneHost(store.log, new Map(), fail, { state });
  const idAt = (look: number) => paymentId(ids[(look * 7_919_317) % ids.length] ?? 0n);
  const find = (look: number) => host.payment(idAt(look)) ?? fail(new Error(idAt(look)));
  const found = await timed(find);
  const foundAgain = await timed(find);
  const told = await timed(async (look) => {
    const records = await host.recordsOf(idAt(look));
    if (records.length !== RECORDS_EACH) throw new Error(`${records.length} records`);
  });
  return { found, foundAgain, told };
}

type Measured = Awaited<ReturnType<typeof deciding>> & Awaited<ReturnType<typeof lookingUp>>;

function linesOf(count: number, now: Measured, first: Measured): Line[] {
  const line = (what: string, name: keyof Omit<Measured, 'decided'>, aim: string): Line => {
    const [p50, p99, smallest] = [
      quantile(now[name], 0.5),
      quantile(now[name], 0.99),
      quantile(first[name], 0.5),
    ];
    return {
      what: `${what}, beside ${thousands(count)} payments`,
      figure: `p50 ${thousands(p50)} us, p99 ${thousands(p99)} us`,
      beside: `${times(p50 / smallest)} of the smallest`,
      aim,
    };
  };
  return [
    {
      what: `a decision, beside ${thousands(count)} payments`,
      figure: `${thousands(now.decided)} ns`,
      beside: `${times(now.decided / first.decided)} of the smallest`,
      aim: 'flat',
    },
    line('a reservation', 'reserving', 'flat'),
    line('one payment by id', 'found', 'flat'),
    line('the same ones again', 'foundAgain', 'flat'),
    line('its records from the log’s index', 'told', '< 1 ms'),
  ];
}

export const bench: Bench = {
  title: 'What a payment costs as payments pile up',
  about: `One tenant with ${thousands(AGENTS)} agents, whose payments lie over 180 days; a budget over rolling 30 days of all of them is read at each reservation. Log, kept fold and counters in SQLite are filled with so many payments, entered in the order of their ids to have it done in minutes, and in short: 200 bytes a record and 300 a payment, where real ones have some 1,000 and 6,000. What grows is the depth of the indexes, and what of them the disk must be asked for: the files of the last count are larger than what the machine keeps of them in memory, and a payment is looked up in two pages, its key’s and its own. Looked up again, these are in memory, and what is left is the depth.`,
  run: (tell, size, { paymentsMax = Infinity }) =>
    inDirectory(async (folder) => {
      const clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() };
      const store = openStore({ path: join(folder, 'log.db'), laneCount: 1, clock });
      const state = openStateStore(join(folder, 'fold.db'));
      const { document, hash } = parsePolicyText(POLICY);
      const policy = compilePolicy(document, { version: 1, hash });
      const lines: Line[] = [];
      let first: Measured | undefined;
      const counts = POINTS[size].filter((it) => it <= paymentsMax);
      const drawn = randomFillSync(new BigUint64Array(Math.max(...counts)));
      let entered = 0;
      for (const [at, count] of counts.entries()) {
        const ids = drawn.subarray(0, count);
        const epoch = at + 1;
        const atMs = Date.now();
        tell(`booking ${thousands(count)} payments`);
        const payments = booked(ids, atMs);
        await store.budgets.rebuild({ tenant: OWNER.tenant, epoch }, { atMs, payments });
        payments.length = 0;
        // Letting go of millions of them is no part of what is measured next.
        globalThis.gc?.();
        tell('deciding and reserving beside them');
        // The first round is also what compiles it.
        if (!first) await deciding(store, policy, epoch);
        const decided = await deciding(store, policy, epoch);
        tell(`entering ${thousands(count)} payments`);
        await enter(store, state, ids, entered);
        entered = count;
        tell('looking them up');
        if (!first) await lookingUp(store, state, ids);
        const now = { ...decided, ...(await lookingUp(store, state, ids)) };
        first ??= now;
        lines.push(...linesOf(count, now, first));
      }
      state.close();
      await store.close();
      return lines;
    }),
};
