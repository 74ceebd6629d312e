import { type Limit, type Reading, type ReservationAnswer, pickTier } from '@countersign/contracts';
import { InvariantViolation, calendarSpan } from '@countersign/kernel';
import type { Book, Budgets, OpenReservation, ReserveRequest, ReserveResult } from '../budgets.ts';
import type { BudgetsFactory, BudgetsUnderTest } from './budgets.fixture.ts';
import { SetClock } from './event-log.contract.ts';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

interface Entry {
  state: 'none' | 'open' | 'committed' | 'released';
  amount: bigint;
  scopes: readonly string[];
  spentAtMs: number;
  first?: { rank: number; result: Expected };
}

type Expected =
  | { kind: 'answered'; tier: string | null; readings: readonly Reading[]; inputs: string }
  | { kind: 'superseded' }
  | { kind: 'ended' };

/** Budgets of one tenant as one would write them with a list and no thought of speed. */
class NaiveBudgets {
  readonly #entries = new Map<string, Entry>();

  reserve(request: ReserveRequest, atMs: number): Expected {
    const entry = this.#entry(request.paymentId);
    if (entry.state === 'committed' || entry.state === 'released') return { kind: 'ended' };
    const rank = request.attempt.round * 1_000 + request.attempt.through;
    if (entry.first && rank < entry.first.rank) return { kind: 'superseded' };
    if (entry.first && rank === entry.first.rank) return entry.first.result;

    const limits = [...request.always, ...request.tiers.flatMap((tier) => tier.limits)];
    const readings = limits.map((limit) => this.#reading(limit, atMs, entry));
    const byId = new Map(readings.map((it) => [it.limitId, it]));
    const name = pickTier(request, byId, request.amount);
    const tier = request.tiers.find((it) => it.name === name);
    if (tier) {
      entry.state = 'open';
      entry.amount = request.amount;
      entry.scopes = [...request.scopes, tier.scope];
    }
    const result = { kind: 'answered', tier: name, readings, inputs: request.inputs } as const;
    entry.first = { rank, result };
    return result;
  }

  commit(paymentId: string, spentAtMs: number): 'done' | 'refused' {
    const entry = this.#entry(paymentId);
    if (entry.state === 'released') return 'refused';
    if (entry.state === 'open') Object.assign(entry, { state: 'committed', spentAtMs });
    return 'done';
  }

  release(paymentId: string): 'done' | 'refused' {
    const entry = this.#entry(paymentId);
    if (entry.state === 'committed') return 'refused';
    entry.state = 'released';
    return 'done';
  }

  open(): OpenReservation[] {
    return [...this.#entries]
      .filter(([, entry]) => entry.state === 'open')
      .map(([paymentId, { amount }]) => ({ paymentId, amount }));
  }

  #entry(paymentId: string): Entry {
    const entry = this.#entries.get(paymentId) ?? {
      state: 'none',
      amount: 0n,
      scopes: [],
      spentAtMs: 0,
    };
    this.#entries.set(paymentId, entry);
    return entry;
  }

  #reading({ id, scope, window }: Limit, atMs: number, own: Entry): Reading {
    const counted = [...this.#entries.values()].filter(
      (entry) => entry !== own && window.kind !== 'payment' && entry.scopes.includes(scope),
    );
    const fromMs =
      window.kind === 'calendar'
        ? calendarSpan(window.unit, window.timeZone, atMs).fromMs
        : undefined;
    const cutMs = window.kind === 'rolling' ? atMs - window.seconds * 1_000 : (fromMs ?? 0) - 1;
    const open = counted.filter((entry) => entry.state === 'open');
    const spent = counted.filter((it) => it.state === 'committed' && it.spentAtMs > cutMs);
    const sum = (entries: readonly Entry[]) =>
      String(entries.reduce((total, entry) => total + entry.amount, 0n));
    return {
      limitId: id,
      scope,
      committed: sum(spent),
      open: sum(open),
      committedCount: spent.length,
      openCount: open.length,
      ...(fromMs !== undefined && { fromMs }),
    };
  }
}

const rolling = (seconds: number) => ({ kind: 'rolling', seconds }) as const;
const LIFETIME = { kind: 'lifetime' } as const;
const SHORT: Limit = { id: 'short', scope: 'agent:a', window: rolling(10), atMost: '100' };
const LONG: Limit = { id: 'long', scope: 'agent:a', window: rolling(3_600), atMostCount: 4 };
const EVER: Limit = { id: 'ever', scope: 'tenant:t', window: LIFETIME, atMost: '250' };
const ALONE: Limit = { id: 'alone', scope: 'agent:a', window: { kind: 'payment' }, atMost: '50' };
const SELLER: Limit = { id: 'seller', scope: 'seller:s', window: rolling(60), atMost: '90' };
const OFTEN: Limit = { id: 'often', scope: 'tier:auto', window: rolling(10), atMostCount: 2 };
const YEAR: Limit = { id: 'year', scope: 'agent:a', window: rolling(31_536_000), atMost: '9999' };
const calendar = (unit: 'day' | 'week' | 'month', timeZone: string) =>
  ({ kind: 'calendar', unit, timeZone }) as const;
const TODAY: Limit = {
  id: 'today',
  scope: 'agent:a',
  window: calendar('day', 'Asia/Kolkata'),
  atMost: '120',
};
const MONTH: Limit = {
  id: 'month',
  scope: 'tenant:t',
  window: calendar('month', 'America/Santiago'),
  atMostCount: 6,
};
const tier = (name: string, ...limits: Limit[]) => ({ name, scope: `tier:${name}`, limits });
const PLANS = [
  { scopes: ['agent:a', 'tenant:t'], always: [SHORT, EVER], tiers: [tier('auto', OFTEN)] },
  {
    scopes: ['agent:a', 'seller:s', 'tenant:t'],
    always: [EVER, YEAR],
    tiers: [tier('auto', OFTEN, ALONE), tier('watched', LONG, SELLER)],
  },
  { scopes: ['agent:a'], always: [], tiers: [tier('auto', LONG), tier('people')] },
  { scopes: ['agent:a', 'tenant:t'], always: [TODAY, MONTH], tiers: [tier('auto', ALONE)] },
];

const payment: fc.Arbitrary<string> = fc.constantFrom('p1', 'p2', 'p3', 'p4', 'p5');
const command = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('reserve' as const),
      payment,
      round: fc.nat(2),
      through: fc.nat(1),
      amount: fc.nat(60),
      plan: fc.constantFrom(...PLANS),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('commit' as const),
      payment,
      agoMs: fc.constantFrom(-2_000, 0, 500, 9_999, 10_000, 10_001, 59_999, 60_000, 3_600_000),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('release' as const), payment }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('advance' as const),
      ms: fc.constantFrom(
        1,
        499,
        1_000,
        9_999,
        10_000,
        60_000,
        3_600_000,
        86_400_000,
        -3_000,
        -100_000,
      ),
    }),
  },
);
type Command = typeof command extends fc.Arbitrary<infer T> ? T : never;

function ask(book: Book, it: Extract<Command, { do: 'reserve' }>): ReserveRequest {
  const { payment: paymentId, round, through, amount, plan } = it;
  const inputs = JSON.stringify([paymentId, round, through, amount]);
  return {
    ...book,
    paymentId,
    attempt: { round, through },
    amount: BigInt(amount),
    inputs,
    ...plan,
  };
}

/** The store under test and its model, side by side. */
interface Both {
  readonly store: Budgets;
  readonly model: NaiveBudgets;
  readonly book: Book;
  readonly clock: SetClock;
}

/** Runs one command on both and demands the same outcome. */
async function step({ store, model, book, clock }: Both, it: Command): Promise<void> {
  if (it.do === 'advance') {
    clock.advance(it.ms);
  } else if (it.do === 'reserve') {
    const request = ask(book, it);
    const result = await store.reserve(request);
    const atMs = result.kind === 'answered' ? result.answer.atMs : 0;
    expect(seenOf(result)).toEqual(model.reserve(request, atMs));
  } else if (it.do === 'commit') {
    const spentAtMs = clock.nowMs() - it.agoMs;
    const outcome = outcomeOf(store.commit(book, it.payment, spentAtMs));
    expect(await outcome).toBe(model.commit(it.payment, spentAtMs));
  } else {
    const outcome = outcomeOf(store.release(book, it.payment));
    expect(await outcome).toBe(model.release(it.payment));
  }
}

function seenOf(result: ReserveResult): Expected {
  if (result.kind !== 'answered') return result;
  const { tier: name, readings } = result.answer;
  return { kind: 'answered', tier: name, readings, inputs: result.inputs };
}

async function outcomeOf(call: Promise<void>): Promise<'done' | 'refused'> {
  try {
    await call;
    return 'done';
  } catch (error) {
    if (error instanceof InvariantViolation) return 'refused';
    throw error;
  }
}

const byId = (one: OpenReservation, other: OpenReservation) =>
  one.paymentId < other.paymentId ? -1 : 1;
const rankOf = (answer: ReservationAnswer) => answer.epoch * 1e6 + answer.sequence;

/** Every history of a store is one that the naive model could have had, and so is every race in it. */
export function describeBudgetsModel(name: string, factory: BudgetsFactory): void {
  describe(`${name} beside a naive model`, { timeout: 120_000 }, () => {
    const clock = new SetClock();
    let subject: BudgetsUnderTest | undefined;
    let runs = 0;
    /** Each run has a tenant of its own, so that all of them can share one store. */
    const begin = async () => {
      if (subject === undefined) throw new Error('no store was made');
      const book = { tenant: `run-${(runs += 1)}`, epoch: 1 };
      await subject.budgets.rebuild(book, { atMs: 0, payments: [] });
      return { store: subject.budgets, book, model: new NaiveBudgets() };
    };
    beforeEach(async () => {
      subject = await factory.create(clock);
    });
    afterEach(async () => {
      await subject?.dispose();
    });

    it('answers every history as the model does', async () => {
      const history = fc.array(command, { minLength: 1, maxLength: 60 });
      await fc.assert(
        fc.asyncProperty(history, async (commands) => {
          const { store, book, model } = await begin();
          for (const it of commands) await step({ store, model, book, clock }, it);
          expect([...(await store.open(book))].sort(byId)).toEqual(model.open().sort(byId));
        }),
        { numRuns: 200 },
      );
    });

    it('answers a race as if its calls had come in the order of their sequence', async () => {
      const calls = fc.array(fc.tuple(fc.nat(60), fc.constantFrom(...PLANS)), {
        minLength: 2,
        maxLength: 30,
      });
      await fc.assert(
        fc.asyncProperty(calls, async (drawn) => {
          const { store, book, model } = await begin();
          const asked = drawn.map(([amount, plan], at) =>
            ask(book, { do: 'reserve', payment: `p${at}`, round: 0, through: 0, amount, plan }),
          );
          const answered = await Promise.all(
            asked.map(async (request) => ({ request, result: await store.reserve(request) })),
          );
          const ordered = answered.flatMap(({ request, result }) =>
            result.kind === 'answered' ? [{ request, result }] : [],
          );
          ordered.sort((one, other) => rankOf(one.result.answer) - rankOf(other.result.answer));
          expect(ordered).toHaveLength(drawn.length);
          for (const { request, result } of ordered)
            expect(seenOf(result)).toEqual(model.reserve(request, result.answer.atMs));
        }),
        { numRuns: 100 },
      );
    });
  });
}
