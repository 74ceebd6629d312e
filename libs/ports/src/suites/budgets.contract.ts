import type { ReservationAnswer } from '@countersign/contracts';
import { COUNTABLE_MAX, InvariantViolation } from '@countersign/kernel';
import { type TestAPI, describe, expect, it } from 'vitest';
import { describeBooks } from './budgets-books.contract.ts';
import {
  AGENT,
  answerOf,
  ask,
  BOOK,
  type BudgetsFactory,
  DAY_S,
  type Fixtures,
  holds,
  limit,
  NOTHING,
  OTHER,
  rankOf,
  rolling,
  series,
  tier,
  tierOf,
  under,
} from './budgets.fixture.ts';
import { SetClock } from './event-log.contract.ts';

/** What every adapter of {@link Budgets} guarantees. */
export function describeBudgets(name: string, factory: BudgetsFactory): void {
  const clause = it.extend<Fixtures>({
    // eslint-disable-next-line no-empty-pattern -- Vitest reads a fixture's needs from this pattern.
    clock: async ({}, use) => use(new SetClock()),
    subject: async ({ clock }, use) => {
      const subject = await factory.create(clock);
      await use(subject);
      await subject.dispose();
    },
    budgets: async ({ subject, clock }, use) => {
      const atMs = clock.nowMs();
      for (const book of [BOOK, OTHER]) await subject.budgets.rebuild(book, { atMs, payments: [] });
      await use(subject.budgets);
    },
  });
  describe(`${name} as a budget store`, () => {
    limitClauses(clause);
    scopeClauses(clause);
    tierClauses(clause);
    attemptClauses(clause);
    endClauses(clause);
    describeBooks(clause);
    answerClauses(clause);
    if (factory.capabilities.clock) {
      windowClauses(clause);
      calendarClauses(clause);
    }
    if (factory.capabilities.durable) durableClauses(clause);
  });
}

function limitClauses(it: TestAPI<Fixtures>): void {
  it('grants one of fifty at once where only one fits', async ({ budgets }) => {
    const asked = Array.from({ length: 50 }, (_, at) => ask(`p${at}`, 90, under(100)));
    const answers = await Promise.all(asked.map((request) => budgets.reserve(request)));
    expect(answers.map(tierOf).filter((it) => it === 'auto')).toHaveLength(1);
    expect(await holds(budgets)).toEqual(['0', '90', 0, 1]);
  });

  it('grants exactly three of 0.1 under 0.3', async ({ budgets }) => {
    const answers = await series(budgets, [100_000, 100_000, 100_000, 100_000], under(300_000));
    expect(answers).toEqual(['auto', 'auto', 'auto', null]);
  });

  it('grants up to the limit and not one unit more', async ({ budgets }) => {
    const answers = await series(budgets, [60, 41, 40, 1, 0], under(100));
    expect(answers).toEqual(['auto', null, 'auto', null, 'auto']);
  });

  it('limits how many, open and committed together', async ({ budgets }) => {
    const always = [limit('three', { atMostCount: 3 })];
    expect(await series(budgets, [1, 1, 1], { always })).toEqual(['auto', 'auto', 'auto']);
    await budgets.commit(BOOK, 'p1', 5);
    expect(tierOf(await budgets.reserve(ask('p4', 1, { always })))).toBe(null);
    await budgets.release(BOOK, 'p2');
    expect(tierOf(await budgets.reserve(ask('p5', 1, { always })))).toBe('auto');
  });

  it('holds a limit on the payment alone against nothing else', async ({ budgets }) => {
    const always = [limit('alone', { atMost: '100', atMostCount: 1, window: { kind: 'payment' } })];
    expect(await series(budgets, [100, 101, 100], { always })).toEqual(['auto', null, 'auto']);
    expect(await holds(budgets, { window: { kind: 'payment' } })).toEqual(NOTHING);
  });
}

function scopeClauses(it: TestAPI<Fixtures>): void {
  it('counts once for two budgets of one scope, each in its window', async ({ budgets, clock }) => {
    const always = [
      limit('hour', { atMost: '60', window: rolling(3_600) }),
      limit('day', { atMost: '100', window: rolling(DAY_S) }),
    ];
    await budgets.reserve(ask('p1', 50, { always }));
    await budgets.commit(BOOK, 'p1', clock.nowMs());
    const answer = answerOf(await budgets.reserve(ask('p2', 11, { always })));
    const once = { committed: '50', committedCount: 1, open: '0', openCount: 0 };
    expect(answer).toMatchObject({ tier: null, readings: [once, once] });
    expect(tierOf(await budgets.reserve(ask('p3', 10, { always })))).toBe('auto');
  });

  it('counts a scope once that is named twice', async ({ budgets }) => {
    const tiers = [{ ...tier('auto'), scope: AGENT }];
    await budgets.reserve(ask('p1', 5, { scopes: [AGENT, AGENT, 'seller:s'], tiers }));
    expect(await holds(budgets)).toEqual(['0', '5', 0, 1]);
    expect(await holds(budgets, { scope: 'seller:s' })).toEqual(['0', '5', 0, 1]);
  });

  it('keeps tenants apart', async ({ budgets }) => {
    await budgets.reserve(ask('p1', 90, under(100)));
    const other = await budgets.reserve({ ...ask('p1', 80, under(100)), ...OTHER });
    expect(tierOf(other)).toBe('auto');
    await budgets.release(OTHER, 'p1');
    expect(await budgets.open(BOOK)).toEqual([{ paymentId: 'p1', amount: 90n }]);
    expect(await budgets.open(OTHER)).toEqual([]);
  });

  it('counts up to 2^53−1 exactly and refuses what is over it, or below 0', async ({ budgets }) => {
    const always = [limit('l', { atMost: String(COUNTABLE_MAX) })];
    for (const amount of [COUNTABLE_MAX + 1n, -1n])
      await expect(budgets.reserve(ask('p0', amount))).rejects.toThrow(InvariantViolation);
    const amounts = [Number.MAX_SAFE_INTEGER - 1, 2, 1];
    expect(await series(budgets, amounts, { always })).toEqual(['auto', null, 'auto']);
    await budgets.commit(BOOK, 'p1', 1);
    expect(await holds(budgets)).toEqual([String(COUNTABLE_MAX - 1n), '1', 1, 1]);
    expect(tierOf(await budgets.reserve(ask('p4', 1, { always })))).toBe(null);
  });
}

function tierClauses(it: TestAPI<Fixtures>): void {
  const most = (id: string, atMost: number, scope = AGENT) =>
    limit(id, { atMost: String(atMost), scope });

  it('takes the first tier that fits, and returns every reading in order', async ({ budgets }) => {
    const plan = {
      always: [most('all', 100)],
      tiers: [tier('auto', most('small', 10)), tier('watched', most('mid', 50)), tier('people')],
    };
    const taken = await series(budgets, [10, 1, 40, 49, 1], plan);
    expect(taken).toEqual(['auto', 'watched', 'people', 'people', null]);
    expect(tierOf(await budgets.reserve(ask('p9', 0, { tiers: [] })))).toBe(null);
    const { readings } = answerOf(await budgets.reserve(ask('p5', 1, plan)));
    expect(readings.map((it) => it.limitId)).toEqual(['all', 'small', 'mid']);
  });

  it('counts in the scope of the tier that was taken, and in no other', async ({ budgets }) => {
    const often = limit('often', { scope: 'tier:a:auto', atMostCount: 2, window: rolling(60) });
    const tiers = [tier('auto', often), tier('watched')];
    const taken = await series(budgets, [7, 7, 7, 7], { tiers });
    expect(taken).toEqual(['auto', 'auto', 'watched', 'watched']);
    await budgets.release(BOOK, 'p2');
    expect(tierOf(await budgets.reserve(ask('p5', 7, { tiers })))).toBe('auto');
    expect(await holds(budgets, { scope: 'tier:a:watched' })).toEqual(['0', '14', 0, 2]);
  });
}

function windowClauses(it: TestAPI<Fixtures>): void {
  const inTen = { window: rolling(10) };

  it('counts what was spent after now − window, to the millisecond', async ({ budgets, clock }) => {
    const spentAtMs = clock.nowMs();
    await budgets.reserve(ask('p1', 5));
    await budgets.commit(BOOK, 'p1', spentAtMs);
    clock.advance(10_000 - 1);
    expect(await holds(budgets, inTen)).toEqual(['5', '0', 1, 0]);
    clock.advance(1);
    expect(await holds(budgets, inTen)).toEqual(NOTHING);
    expect(await holds(budgets, { window: rolling(11) })).toEqual(['5', '0', 1, 0]);
    expect(await holds(budgets)).toEqual(['5', '0', 1, 0]);
  });

  it('counts by the time of the commit, not of the reservation', async ({ budgets, clock }) => {
    const day = under(100, rolling(DAY_S));
    await budgets.reserve(ask('p1', 60, day));
    clock.advance(DAY_S * 1_000 - 1);
    await budgets.commit(BOOK, 'p1', clock.nowMs());
    clock.advance(60_000);
    expect(tierOf(await budgets.reserve(ask('p2', 41, day)))).toBe(null);
    expect(tierOf(await budgets.reserve(ask('p3', 40, day)))).toBe('auto');
  });

  it('counts an open reservation however old it is', async ({ budgets, clock }) => {
    await budgets.reserve(ask('p1', 60, under(100, rolling(10))));
    clock.advance(400 * DAY_S * 1_000);
    expect(tierOf(await budgets.reserve(ask('p2', 41, under(100, rolling(10)))))).toBe(null);
  });

  it('never reopens a window when the clock goes back', async ({ budgets, clock }) => {
    await budgets.reserve(ask('p1', 60, under(100, rolling(10))));
    await budgets.commit(BOOK, 'p1', clock.nowMs());
    const before = answerOf(await budgets.reserve(ask('p2', 41, under(100, rolling(10)))));
    clock.advance(-DAY_S * 1_000);
    const after = answerOf(await budgets.reserve(ask('p3', 41, under(100, rolling(10)))));
    expect([before.tier, after.tier]).toEqual([null, null]);
    expect(after.atMs).toBe(before.atMs);
  });

  it('knows an end longer than any window looks back, and what was ever spent for good', async ({
    budgets,
    clock,
  }) => {
    await series(budgets, [60, 30], {});
    await budgets.commit(BOOK, 'p1', clock.nowMs());
    await budgets.release(BOOK, 'p2');
    clock.advance(365 * DAY_S * 1_000);
    for (const id of ['p1', 'p2'])
      expect(await budgets.reserve(ask(id, 1, { round: 1 }))).toEqual({ kind: 'ended' });
    clock.advance(36 * DAY_S * 1_000);
    // Enough of them that a store which forgets with each end has forgotten.
    for (const at of [3, 4, 5, 6]) {
      await budgets.reserve(ask(`p${at}`, 1));
      await budgets.commit(BOOK, `p${at}`, clock.nowMs());
    }
    expect(await holds(budgets, { window: rolling(365 * DAY_S) })).toEqual(['4', '0', 4, 0]);
    expect(await holds(budgets)).toEqual(['64', '0', 5, 0]);
    expect(await budgets.open(BOOK)).toEqual([]);
  });

  it('counts what is stamped ahead of the clock at once', async ({ budgets, clock }) => {
    await budgets.reserve(ask('p1', 5));
    await budgets.commit(BOOK, 'p1', clock.nowMs() + 60_000);
    expect(await holds(budgets, inTen)).toEqual(['5', '0', 1, 0]);
    expect(answerOf(await budgets.reserve(ask('p2', 1))).atMs).toBe(clock.nowMs());
  });
}

/** Windows of the calendar, at the edges that clocks, months and weeks have. All instants are in UTC. */
function calendarClauses(it: TestAPI<Fixtures>): void {
  const DAYS = [
    // A day of 23 hours, and the one of 25, each to its last millisecond.
    ['day', 'Europe/Berlin', '2027-03-27T23:00:00.000Z', '2027-03-28T21:59:59.999Z'],
    ['day', 'Europe/Berlin', '2027-10-30T22:00:00.000Z', '2027-10-31T22:59:59.999Z'],
    // A day whose midnight does not exist, and one with an odd offset.
    ['day', 'Africa/Cairo', '2027-04-29T22:00:00.000Z', '2027-04-30T20:59:59.999Z'],
    ['day', 'Asia/Kathmandu', '2027-06-01T18:15:00.000Z', '2027-06-02T18:14:59.999Z'],
    // A week that begins in another year, and the shortest month.
    ['week', 'UTC', '2026-12-28T00:00:00.000Z', '2027-01-03T23:59:59.999Z'],
    ['month', 'America/New_York', '2027-02-01T05:00:00.000Z', '2027-03-01T04:59:59.999Z'],
  ] as const;

  for (const [unit, timeZone, first, last] of DAYS)
    it(`counts a ${unit} in ${timeZone} from ${first} to ${last}`, async ({ budgets, clock }) => {
      const window = { kind: 'calendar', unit, timeZone } as const;
      const fromMs = Date.parse(first);
      clock.advance(fromMs - clock.nowMs());
      await series(budgets, [1, 2, 4], {});
      for (const [id, spentAtMs] of [
        ['p1', fromMs - 1],
        ['p2', fromMs],
      ] as const)
        await budgets.commit(BOOK, id, spentAtMs);
      clock.advance(Date.parse(last) - fromMs);
      expect(await budgets.read(BOOK, [limit('now', { window })])).toMatchObject([
        { committed: '2', open: '4', committedCount: 1, openCount: 1, fromMs },
      ]);
      clock.advance(1);
      // What is open counts in the next window too.
      expect(await budgets.read(BOOK, [limit('now', { window })])).toMatchObject([
        { committed: '0', open: '4', committedCount: 0, openCount: 1, fromMs: clock.nowMs() },
      ]);
    });

  it('sets a payment against the calendar of its limit, and tells where it began', async ({
    budgets,
    clock,
  }) => {
    clock.advance(Date.parse('2027-05-05T23:30:00Z') - clock.nowMs());
    const today = (timeZone: string) => ({ kind: 'calendar', unit: 'day', timeZone }) as const;
    await budgets.reserve(ask('p1', 60));
    await budgets.commit(BOOK, 'p1', clock.nowMs());
    clock.advance(45 * 60_000);
    // In London it is still the same day.
    expect(tierOf(await budgets.reserve(ask('p2', 41, under(100, today('Europe/London')))))).toBe(
      null,
    );
    const plan = under(100, today('UTC'));
    const answer = answerOf(await budgets.reserve(ask('p3', 41, plan)));
    const fromMs = Date.parse('2027-05-06T00:00:00Z');
    expect(answer).toMatchObject({ tier: 'auto', readings: [{ committed: '0', fromMs }] });
    expect(answerOf(await budgets.reserve(ask('p3', 41, plan)))).toEqual(answer);
  });

  it('begins no day anew when the clock goes back', async ({ budgets, clock }) => {
    clock.advance(Date.parse('2027-05-05T12:00:00Z') - clock.nowMs());
    const plan = under(100, { kind: 'calendar', unit: 'day', timeZone: 'UTC' });
    await budgets.reserve(ask('p1', 60, plan));
    await budgets.commit(BOOK, 'p1', clock.nowMs());
    clock.advance(-DAY_S * 1_000);
    expect(tierOf(await budgets.reserve(ask('p2', 41, plan)))).toBe(null);
  });
}

function attemptClauses(it: TestAPI<Fixtures>): void {
  it('repeats its first answer with the first inputs, whatever changed', async ({ budgets }) => {
    const asked = ['p1', 'p1', 'p2'].map((id) => budgets.reserve(ask(id, 60, under(100))));
    const [first, atOnce, refused] = await Promise.all(asked);
    expect(atOnce).toEqual(first);
    await budgets.reserve(ask('p3', 40, under(100)));
    await budgets.release(BOOK, 'p3');
    const changed = { ...under(1_000), inputs: 'others', tiers: [tier('other')] };
    expect(await budgets.reserve(ask('p1', 999, changed))).toEqual(first);
    expect(await budgets.reserve(ask('p2', 1, changed))).toEqual(refused);
    expect([first, refused]).toMatchObject([
      { answer: { tier: 'auto' } },
      { answer: { tier: null } },
    ]);
    expect(await holds(budgets)).toEqual(['0', '60', 0, 1]);
  });

  it('replaces the reservation of an earlier attempt without counting it', async ({ budgets }) => {
    await budgets.reserve(ask('p1', 60, under(100)));
    const later = answerOf(await budgets.reserve(ask('p1', 100, { ...under(100), through: 1 })));
    expect(later).toMatchObject({ tier: 'auto', readings: [{ open: '0', openCount: 0 }] });
    expect(await holds(budgets)).toEqual(['0', '100', 0, 1]);
    await budgets.reserve(ask('p1', 7, { round: 1, scopes: ['seller:s'], tiers: [tier('other')] }));
    expect(await holds(budgets)).toEqual(NOTHING);
    expect(await holds(budgets, { scope: 'tier:a:auto' })).toEqual(NOTHING);
    expect(await holds(budgets, { scope: 'seller:s' })).toEqual(['0', '7', 0, 1]);
  });

  it('keeps the earlier reservation when a later attempt gets a no', async ({ budgets }) => {
    await budgets.reserve(ask('p1', 60, under(100)));
    const no = await budgets.reserve(ask('p1', 101, { ...under(100), round: 1 }));
    expect(tierOf(no)).toBe(null);
    expect(await budgets.open(BOOK)).toEqual([{ paymentId: 'p1', amount: 60n }]);
    expect(await budgets.reserve(ask('p1', 1, { round: 1 }))).toEqual(no);
    expect(tierOf(await budgets.reserve(ask('p1', 100, { ...under(100), round: 2 })))).toBe('auto');
    expect(await holds(budgets)).toEqual(['0', '100', 0, 1]);
  });

  it('answers an older attempt with superseded', async ({ budgets }) => {
    await budgets.reserve(ask('p1', 60, { round: 1, through: 5 }));
    for (const older of [ask('p1', 1, { round: 1, through: 4 }), ask('p1', 1, { through: 9 })])
      expect(await budgets.reserve(older)).toEqual({ kind: 'superseded' });
    expect(tierOf(await budgets.reserve(ask('p1', 61, { round: 2, through: 0 })))).toBe('auto');
    expect(await holds(budgets)).toEqual(['0', '61', 0, 1]);
  });
}

function endClauses(it: TestAPI<Fixtures>): void {
  it('commits once and for good, at the first time it is told', async ({ budgets, clock }) => {
    await budgets.reserve(ask('p1', 60, { round: 1 }));
    const spentAtMs = clock.nowMs();
    await Promise.all([1, 2].map(() => budgets.commit(BOOK, 'p1', spentAtMs)));
    await budgets.commit(BOOK, 'p1', 1);
    const expected = ['60', '0', 1, 0];
    expect(await holds(budgets, { window: rolling(31_536_000) })).toEqual(expected);
    expect(await holds(budgets)).toEqual(expected);
    for (const round of [0, 1, 2])
      expect(await budgets.reserve(ask('p1', 1, { round }))).toEqual({ kind: 'ended' });
    expect(await budgets.open(BOOK)).toEqual([]);
  });

  it('leaves a payment without reservation without one', async ({ budgets, clock }) => {
    await budgets.commit(BOOK, 'p1', clock.nowMs());
    await budgets.reserve(ask('p2', 101, under(100)));
    await budgets.commit(BOOK, 'p2', clock.nowMs());
    expect(await holds(budgets)).toEqual(NOTHING);
    expect(tierOf(await budgets.reserve(ask('p1', 100, under(100))))).toBe('auto');
  });

  it('releases, and bars the payment for ever, also before it was seen', async ({ budgets }) => {
    await budgets.reserve(ask('p1', 60));
    await budgets.reserve(ask('p3', 101, under(100)));
    for (const id of ['p1', 'p2', 'p3', 'p1', 'p2']) await budgets.release(BOOK, id);
    expect(await holds(budgets)).toEqual(NOTHING);
    for (const id of ['p1', 'p2', 'p3'])
      for (const round of [0, 1])
        expect(await budgets.reserve(ask(id, 1, { round }))).toEqual({ kind: 'ended' });
    expect(await budgets.open(BOOK)).toEqual([]);
  });

  it('takes neither end for the other', async ({ budgets, clock }) => {
    await series(budgets, [60, 30], {});
    await budgets.commit(BOOK, 'p1', clock.nowMs());
    for (const id of ['p2', 'p3']) await budgets.release(BOOK, id);
    await expect(budgets.release(BOOK, 'p1')).rejects.toThrow(InvariantViolation);
    for (const id of ['p2', 'p3'])
      await expect(budgets.commit(BOOK, id, clock.nowMs())).rejects.toThrow(InvariantViolation);
    expect(await holds(budgets)).toEqual(['60', '0', 1, 0]);
  });
}

function answerClauses(it: TestAPI<Fixtures>): void {
  it('numbers the answers of a tenant upwards, at a time that never falls', async ({ budgets }) => {
    const answers: ReservationAnswer[] = [];
    for (const [at, id] of ['p1', 'p2', 'p1', 'p2', 'p3'].entries())
      answers.push(answerOf(await budgets.reserve(ask(id, 40, { ...under(100), round: at }))));
    const ranks = answers.map(rankOf);
    expect(ranks).toEqual([...new Set(ranks)].sort((one, other) => one - other));
    const times = answers.map((it) => it.atMs);
    expect(times).toEqual(times.toSorted((one, other) => one - other));
  });

  it('reads what the next answer would read', async ({ budgets, clock }) => {
    const limits = [limit('l', {}), limit('t', { scope: 'tier:a:auto', window: rolling(5) })];
    await series(budgets, [5, 6], {});
    await budgets.commit(BOOK, 'p1', clock.nowMs());
    const readings = await budgets.read(BOOK, limits);
    const answer = answerOf(await budgets.reserve(ask('p3', 7, { always: limits })));
    expect(answer.readings).toEqual(readings);
  });

  it('closes twice without complaint, and then refuses', async ({ budgets }) => {
    const asked = budgets.reserve(ask('p1', 1));
    await Promise.all([budgets.close(), budgets.close()]);
    expect(tierOf(await asked)).toBe('auto');
    await expect(budgets.reserve(ask('p2', 1))).rejects.toMatchObject({
      code: expect.stringMatching(/^(log|budgets)_unavailable$/) as string,
    });
  });
}

function durableClauses(it: TestAPI<Fixtures>): void {
  it('holds counters, answers and ends when it is opened again', async ({
    subject,
    budgets,
    clock,
  }) => {
    const plan = under(100, rolling(60));
    const first = await budgets.reserve(ask('p1', 40, plan));
    const refused = await budgets.reserve(ask('p2', 61, plan));
    for (const id of ['p3', 'p4']) await budgets.reserve(ask(id, 10, plan));
    await budgets.commit(BOOK, 'p3', clock.nowMs());
    await budgets.release(BOOK, 'p4');
    const again = await subject.reopen();
    expect(await again.reserve(ask('p1', 1))).toEqual(first);
    expect(await again.reserve(ask('p2', 1))).toEqual(refused);
    for (const id of ['p3', 'p4'])
      expect(await again.reserve(ask(id, 1))).toEqual({ kind: 'ended' });
    expect(await again.open(BOOK)).toEqual([{ paymentId: 'p1', amount: 40n }]);
    expect(await holds(again, { window: rolling(60) })).toEqual(['10', '40', 1, 1]);
    const next = answerOf(await again.reserve(ask('p5', 50, plan)));
    expect(next.tier).toBe('auto');
    expect(rankOf(next)).toBeGreaterThan(rankOf(answerOf(refused)));
  });
}
