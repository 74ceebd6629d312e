import { expect, type TestAPI } from 'vitest';
import type { Book, Bookings } from '../budgets.ts';
import {
  BOOK,
  type Fixtures,
  answerOf,
  ask,
  holds,
  limit,
  rolling,
  tierOf,
  under,
} from './budgets.fixture.ts';

const LATER: Book = { ...BOOK, epoch: BOOK.epoch + 1 };
const SCOPES = ['agent:a', 'tier:a:auto'];
const LOST = { name: 'Fault', code: 'budgets_lost', retryable: true };
const AHEAD = { name: 'Fault', code: 'budgets_ahead', retryable: true };

/** What is open, spent within the hour, spent before it, and over, of the agent that every request names. */
function bookings(nowMs: number): Bookings {
  const spent = (paymentId: string, amount: bigint, agoMs: number) =>
    ({
      state: 'committed',
      paymentId,
      amount,
      scopes: SCOPES,
      spentAtMs: nowMs - agoMs,
    }) as const;
  return {
    atMs: nowMs,
    payments: [
      { state: 'open', paymentId: 'b1', amount: 10n, scopes: SCOPES },
      { state: 'open', paymentId: 'b2', amount: 0n, scopes: [] },
      spent('b3', 20n, 3_599_999),
      spent('b4', 5n, 3_600_000),
      { state: 'released', paymentId: 'b5' },
    ],
  };
}

/** What every adapter of {@link Budgets} guarantees of books: which epoch answers, and how a new one begins. */
export function describeBooks(it: TestAPI<Fixtures>): void {
  it('answers nothing for an epoch it was not opened for', async ({ budgets, clock }) => {
    await budgets.reserve(ask('p1', 60));
    for (const [epoch, fault] of [
      [BOOK.epoch + 1, LOST],
      [BOOK.epoch - 1, AHEAD],
    ] as const) {
      const book = { ...BOOK, epoch };
      const calls = [
        budgets.reserve({ ...ask('p1', 60), ...book }),
        budgets.commit(book, 'p1', clock.nowMs()),
        budgets.release(book, 'p1'),
        budgets.read(book, [limit('l', {})]),
        budgets.open(book),
      ];
      for (const outcome of await Promise.allSettled(calls))
        expect(outcome).toMatchObject({ status: 'rejected', reason: fault });
    }
    expect(await holds(budgets)).toEqual(['0', '60', 0, 1]);
  });

  it('opens only a newer epoch, and only once', async ({ budgets, clock }) => {
    await budgets.reserve(ask('p1', 60));
    for (const book of [BOOK, { ...BOOK, epoch: 1 }])
      expect(await budgets.rebuild(book, bookings(clock.nowMs()))).toBe('outrun');
    expect(await budgets.open(BOOK)).toEqual([{ paymentId: 'p1', amount: 60n }]);
    const nothing = { atMs: clock.nowMs(), payments: [] };
    const both = [1, 2].map(() => budgets.rebuild(LATER, nothing));
    expect((await Promise.all(both)).toSorted()).toEqual(['opened', 'outrun']);
    expect(await budgets.open(LATER)).toEqual([]);
  });

  it('begins with what the log says, and with nothing else', async ({ budgets, clock }) => {
    await budgets.reserve(ask('old', 60));
    await budgets.rebuild(LATER, bookings(clock.nowMs()));
    const windows = [limit('ever', {}), limit('hour', { window: rolling(3_600) })];
    expect(await budgets.read(LATER, windows)).toMatchObject([
      { committed: '25', open: '10', committedCount: 2, openCount: 1 },
      { committed: '20', open: '10', committedCount: 1, openCount: 1 },
    ]);
    const open = [...(await budgets.open(LATER))];
    expect(open.sort((one, other) => (one.paymentId < other.paymentId ? -1 : 1))).toEqual([
      { paymentId: 'b1', amount: 10n },
      { paymentId: 'b2', amount: 0n },
    ]);
    await expect(budgets.open(BOOK)).rejects.toMatchObject(AHEAD);
  });

  it('knows to the millisecond what was spent, in whatever order the log is told', async ({
    budgets,
    clock,
  }) => {
    const atMs = clock.nowMs();
    // Some at the same time, most at times of their own, over some 90 days, and the ids in no order of time.
    const agoMs = Array.from({ length: 400 }, (_, index) => (index % 350) ** 3 * 181);
    const payments = agoMs.map((ago, index) => ({
      ...({ state: 'committed', paymentId: `b${(index * 7) % 400}`, scopes: SCOPES } as const),
      ...{ amount: BigInt(index), spentAtMs: atMs - ago },
    }));
    await budgets.rebuild(LATER, { atMs, payments });
    const seconds = [1, 60, 3_600, 86_400, 7 * 86_400, 30 * 86_400, 365 * 86_400];
    const windows = seconds.map((it) => limit(`last ${it}`, { window: rolling(it) }));
    const within = seconds.map((it) => payments.filter((_, at) => (agoMs[at] ?? 0) < it * 1_000));
    expect(await budgets.read(LATER, windows)).toMatchObject(
      within.map((spent) => ({
        committed: String(spent.reduce((sum, { amount }) => sum + amount, 0n)),
        committedCount: spent.length,
      })),
    );
    expect(await budgets.reserve({ ...ask('b399', 1), ...LATER })).toEqual({ kind: 'ended' });
  });

  it('goes on where the log was', async ({ budgets, clock }) => {
    await budgets.rebuild(LATER, bookings(clock.nowMs()));
    const again = (id: string, amount: number, plan = {}) =>
      budgets.reserve({ ...ask(id, amount, plan), ...LATER });
    expect(await again('b3', 1)).toEqual({ kind: 'ended' });
    expect(await again('b5', 1)).toEqual({ kind: 'ended' });
    // A payment that was open is decided anew: its own reservation is replaced, and not counted against it.
    const first = answerOf(await again('b1', 75, under(100)));
    expect(first).toMatchObject({
      epoch: LATER.epoch,
      tier: 'auto',
      readings: [{ committed: '25', open: '0' }],
    });
    expect(tierOf(await again('p9', 1, under(100)))).toBe(null);
    await budgets.release(LATER, 'b1');
    await budgets.commit(LATER, 'b2', clock.nowMs());
    expect(tierOf(await again('p10', 75, under(100)))).toBe('auto');
    expect(await budgets.open(LATER)).toEqual([{ paymentId: 'p10', amount: 75n }]);
  });

  it('forgets the first answers of an older epoch', async ({ budgets, clock }) => {
    const yes = await budgets.reserve(ask('p1', 60, under(100)));
    await budgets.rebuild(LATER, { atMs: clock.nowMs(), payments: [] });
    await budgets.reserve({ ...ask('p2', 60, under(100)), ...LATER });
    const anew = await budgets.reserve({ ...ask('p1', 60, under(100)), ...LATER });
    expect([tierOf(yes), tierOf(anew)]).toEqual(['auto', null]);
  });

  it('keeps the time of the log, where its own is behind', async ({ budgets, clock }) => {
    const atMs = clock.nowMs() + 60_000;
    await budgets.rebuild(LATER, { atMs, payments: [] });
    const answer = answerOf(await budgets.reserve({ ...ask('p1', 1), ...LATER }));
    expect(answer.atMs).toBeGreaterThanOrEqual(atMs);
  });
}
