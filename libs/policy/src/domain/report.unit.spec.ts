import { describe, expect, it } from 'vitest';
import { reportOn } from './report.ts';
import { factsOf, policyOf } from './testing/case.ts';
import { times } from './testing/dice.ts';

const HOUR_MS = 3_600_000;
const paid = (amount: number, atHours: number, agent = 'research-1') => ({
  ...factsOf({ agent, quote: { amount: String(amount) } }),
  atMs: atHours * HOUR_MS,
});
const people = {
  kind: 'collaborative',
  quorum: 2,
  approvers: ['ada', 'bo'],
  timeoutSeconds: 60,
  clearanceSeconds: 60,
};

describe('a report', () => {
  const document = policyOf({
    tiers: [
      { name: 'small', kind: 'autonomous', when: { amount: { atMost: '1.00' } } },
      {
        name: 'watched',
        kind: 'supervised',
        when: { amount: { atMost: '5.00' } },
        ...{ vetoWindowSeconds: 60, notifyWithinSeconds: 60, clearanceSeconds: 60 },
      },
      { name: 'people', ...people, when: { amount: { atMost: '50.00' } } },
    ],
    budgets: [
      {
        id: 'day',
        scope: 'agent',
        window: { kind: 'calendar', unit: 'day', timeZone: 'UTC' },
        atMost: '20.00',
      },
    ],
  });

  it('counts what each tier takes, whom it asks, and what goes through without anybody', () => {
    const report = reportOn(document, [
      paid(1_000_000, 20),
      paid(1_000_000, 23),
      paid(500_000, 23, 'other'),
      paid(4_000_000, 24),
      paid(1_000_000, 25),
      // Of the second day 5.00 are spent: this one fits to the last unit, and nothing after it.
      paid(15_000_000, 26),
      paid(1, 27),
      paid(60_000_000, 28),
      paid(1, 48),
    ]);
    expect(report).toMatchObject({
      payments: 9,
      denied: 2,
      deniedAmount: 60_000_001n,
      reasons: { budget_exceeded: 1, no_tier: 1 },
      tiers: [
        {
          tier: 'small',
          payments: 5,
          amount: 3_500_001n,
          largest: 1_000_000n,
          peopleAsked: 0,
          worstDay: 3_000_000n,
          dayBound: 40_000_000n,
        },
        { tier: 'watched', payments: 1, peopleAsked: 1, waitMs: 60_000, worstDay: 4_000_000n },
        { tier: 'people', payments: 1, amount: 15_000_000n, peopleAsked: 2, worstDay: 0n },
      ],
    });
  });

  it('finds nothing where friction and exposure are in proportion', () => {
    const payments = times(40, (index) => paid(1_000_000, index * 2));
    expect(reportOn(document, payments).findings).toEqual([]);
  });

  it('finds a veto window that pays without bound, or before people can answer', () => {
    const watched = (name: string, vetoWindowSeconds: number) => ({
      ...{ name, kind: 'supervised', when: { trust: 'known' } },
      ...{ vetoWindowSeconds, notifyWithinSeconds: 60, clearanceSeconds: 60 },
    });
    const tiers = [watched('hasty', 59), watched('slow', 60)];
    expect(reportOn(policyOf({ tiers }), []).findings).toEqual([
      'tier hasty pays where nobody answers, and no limit bounds a day of one agent',
      'tier slow pays where nobody answers, and no limit bounds a day of one agent',
      'tier hasty pays after 59 s unless somebody vetoes, and people need 60 s at least',
    ]);
  });

  it('finds people asked about next to nothing', () => {
    const tiers = [
      { name: 'cents', ...people, when: { amount: { atMost: '0.10' } } },
      {
        name: 'rest',
        kind: 'autonomous',
        when: { trust: 'known' },
        frequency: { atMost: 1, seconds: 60 },
      },
    ];
    const payments = [...times(9, (index) => paid(10_000, index)), paid(40_000_000, 10)];
    expect(reportOn(policyOf({ tiers }), payments).findings).toEqual([
      'tier cents asks people for 9 of 10 payments, which are less than 5 % of the money',
      'tier rest asks nobody, and no limit bounds a day of one agent',
    ]);
  });

  it('finds a limit that limits nothing, and a policy in the way', () => {
    const payments = [paid(900_000, 1), ...times(3, (index) => paid(60_000_000, index + 2))];
    expect(reportOn(document, payments).findings).toEqual([
      '3 of 4 payments are denied: the policy is in the way, or the agents are',
      'tier small lets one agent spend more than 20 times of what it did in its worst day',
    ]);
  });
});
