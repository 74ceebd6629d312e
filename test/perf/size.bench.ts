import { randomBytes } from 'node:crypto';
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
const CHUNK = 2_000;
const POLICY = autonomous({ perDay: '100000000.00' })
  .replace('scope: agent', 'scope: tenant')
  .replace('seconds: 86400', 'seconds: 2592000');

/** In no order: a real payment's id is a hash. */
function paymentId(index: number): string {
  const spread = (BigInt(index) * 0x9e3779b97f4a7c15f39cc0605cedc835n) & ((1n << 128n) - 1n);
  return `pay_0_${spread.toString(16).padStart(32, '0')}`;
}

/** Paid over half a year, by agents in turn. */
function* booked(count: number, nowMs: number): Generator<Booking> {
  const scopes = Array.from({ length: AGENTS }, (_, index) => [
    `agent:agent-${index}`,
    `tenant:${OWNER.tenant}`,
  ]);
  for (let index = 0; index < count; index += 1)
    yield {
      ...{ state: 'committed', paymentId: paymentId(index), amount: 20_000n },
      scopes: scopes[index % AGENTS] ?? [],
      spentAtMs: nowMs - SPAN_MS + Math.floor((index / count) * SPAN_MS),
    };
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

/** Enters payments into log and kept fold as they stand there, without what folding them costs. */
async function enter(store: Store, state: StateStore, from: number, to: number): Promise<void> {
  const bytes = new TextEncoder().encode(`{"filler":"${'x'.repeat(200)}"}`);
  const payment = { filler: 'x'.repeat(300) };
  for (let index = from; index < to; index += CHUNK) {
    const ids = Array.from({ length: Math.min(CHUNK, to - index) }, (_, at) =>
      paymentId(index + at),
    );
    const records = ids.flatMap((id) =>
      Array.from({ length: RECORDS_EACH }, () => ({ lane: '0', key: id, bytes })),
    );
    const positions = await store.log.append(records);
    const puts = ids.flatMap((id, at) => {
      const own = positions.slice(at * RECORDS_EACH, (at + 1) * RECORDS_EACH);
      const named = own.map(({ offset }) => ({ offset, code: null }));
      return [
        { collection: 'payments', key: id, value: serialize({ id, ...payment }) },
        { collection: 'named', key: id, value: serialize(named) },
      ];
    });
    state.save({ puts, deletes: [], nowMs: Date.now() });
  }
}

async function lookingUp(store: Store, state: StateStore, count: number) {
  const fail = (error: unknown): never => {
    throw error;
  };
  const host = new LaneHost(store.log, new Map(), fail, { state });
  const idAt = (look: number) => paymentId((look * 7_919_317) % count);
  const found = await timed((look) => host.payment(idAt(look)) ?? fail(new Error(idAt(look))));
  const told = await timed(async (look) => {
    const records = await host.recordsOf(idAt(look));
    if (records.length !== RECORDS_EACH) throw new Error(`${records.length} records`);
  });
  return { found, told };
}

type Measured = Awaited<ReturnType<typeof deciding>> & Awaited<ReturnType<typeof lookingUp>>;

function linesOf(count: number, now: Measured, first: Measured): Line[] {
  const line = (what: string, name: 'reserving' | 'found' | 'told', aim: string): Line => {
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
    line('its records from the log’s index', 'told', '< 1 ms'),
  ];
}

export const bench: Bench = {
  title: 'What a payment costs as payments pile up',
  about: `One tenant with ${thousands(AGENTS)} agents, whose payments lie over 180 days; a budget over rolling 30 days of all of them is read at each reservation. Log, kept fold and counters in SQLite are filled with so many payments, in short: 200 bytes a record and 300 a payment, where real ones have some 1,000 and 6,000. What grows is the depth of the indexes, and what of them the disk must be asked for.`,
  run: (tell, size, { paymentsMax = Infinity }) =>
    inDirectory(async (folder) => {
      const clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() };
      const store = openStore({ path: join(folder, 'log.db'), laneCount: 1, clock });
      const state = openStateStore(join(folder, 'fold.db'));
      const { document, hash } = parsePolicyText(POLICY);
      const policy = compilePolicy(document, { version: 1, hash });
      const lines: Line[] = [];
      let first: Measured | undefined;
      let entered = 0;
      for (const [at, count] of POINTS[size].filter((it) => it <= paymentsMax).entries()) {
        const epoch = at + 1;
        const atMs = Date.now();
        tell(`booking ${thousands(count)} payments`);
        const payments = [...booked(count, atMs)];
        await store.budgets.rebuild({ tenant: OWNER.tenant, epoch }, { atMs, payments });
        payments.length = 0;
        tell('deciding and reserving beside them');
        // The first round is also what compiles it.
        if (!first) await deciding(store, policy, epoch);
        const decided = await deciding(store, policy, epoch);
        tell(`entering ${thousands(count)} payments`);
        await enter(store, state, entered, count);
        entered = count;
        tell('looking them up');
        if (!first) await lookingUp(store, state, count);
        const now = { ...decided, ...(await lookingUp(store, state, count)) };
        first ??= now;
        lines.push(...linesOf(count, now, first));
      }
      state.close();
      await store.close();
      return lines;
    }),
};
