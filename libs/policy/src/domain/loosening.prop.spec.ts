import type { Facts, PolicyDocument, Tier, Verdict } from '@countersign/contracts';
import { describe, expect, it } from 'vitest';
import { compilePolicy } from './compile.ts';
import { concludeDecision } from './conclude.ts';
import { withPolicyFacts } from './policy-facts.ts';
import { loosenings } from './loosening.ts';
import { planDecision } from './plan.ts';
import { asStrictAs } from './strictness.ts';
import { policyOf } from './testing/case.ts';
import { IDENTITY } from './testing/compare.ts';
import { type Dice, chance, pick, seededDice, times } from './testing/dice.ts';
import {
  type Counters,
  answerOf,
  countersFrom,
  factsFrom,
  openPolicyFrom,
  plainFactsFrom,
  policyFrom,
} from './testing/worlds.ts';

const RANK = { allow: 0, review: 1, deny: 2 };

function noLessStrict(one: Verdict, other: Verdict): boolean {
  const more = RANK[one.outcome] - RANK[other.outcome];
  if (more !== 0) return more > 0;
  if (one.outcome === 'deny') return true;
  const [mine, its] = [one.requirement, other.requirement];
  const lasts = mine.kind === 'none' || its.kind === 'none' || mine.clearanceMs <= its.clearanceMs;
  return (
    asStrictAs(mine, its) &&
    lasts &&
    one.maxLifetimeMs <= other.maxLifetimeMs &&
    other.flags.every((flag) => one.flags.includes(flag))
  );
}

/** One change somewhere in a policy: to another rule of the same kind, without it, with one more, or in another order. */
function changed(dice: Dice, policy: PolicyDocument): PolicyDocument {
  const other = chance(dice, 2) ? policyFrom(dice) : openPolicyFrom(dice);
  switch (dice.roll(9)) {
    case 0:
      return { ...policy, prohibited: [...policy.prohibited, ...renamed(other.prohibited)] };
    case 1:
      return { ...policy, prohibited: without(dice, policy.prohibited) };
    case 2:
      return { ...policy, tiers: without(dice, policy.tiers) };
    case 3:
      return {
        ...policy,
        tiers: replaced(dice, policy.tiers, (it) => changedTier(dice, it, other)),
      };
    case 4:
      return { ...policy, tiers: [...policy.tiers, ...other.tiers.slice(0, 1).map(fresh)] };
    case 5:
      return { ...policy, tiers: [...other.tiers.slice(0, 1).map(fresh), ...policy.tiers] };
    case 6:
      return { ...policy, budgets: pick(dice, [other.budgets, without(dice, policy.budgets)]) };
    case 7:
      return {
        ...policy,
        ...pick(dice, [
          { again: true },
          { again: false },
          other.stream ? { stream: other.stream } : {},
        ]),
      };
    default:
      return { ...policy, flags: pick(dice, [other.flags, without(dice, policy.flags)]) };
  }
}

const fresh = (tier: Tier): Tier => ({ ...tier, name: `new-${tier.name}`, budgets: [] });
const renamed = <T extends { id: string }>(rules: readonly T[]) =>
  rules.map((it) => ({ ...it, id: `new-${it.id}` }));

function without<T>(dice: Dice, list: readonly T[]): T[] {
  const gone = dice.roll(Math.max(1, list.length));
  return list.filter((_, index) => index !== gone);
}

function replaced<T>(dice: Dice, list: readonly T[], change: (it: T) => T): T[] {
  const at = dice.roll(Math.max(1, list.length));
  return list.map((it, index) => (index === at ? change(it) : it));
}

function changedTier(dice: Dice, tier: Tier, other: PolicyDocument): Tier {
  const its = other.tiers[0] ?? tier;
  return pick<Tier>(dice, [
    { ...tier, when: { ...tier.when, ...its.when } },
    { ...tier, when: its.when },
    { ...its, name: tier.name, when: tier.when },
    { ...tier, budgets: renamed(its.budgets ?? []) },
    { ...tier, budgets: [...(tier.budgets ?? []), ...renamed(its.budgets ?? [])] },
    { ...tier, frequency: its.frequency },
    { ...tier, ...('clearanceSeconds' in tier && { clearanceSeconds: 600 }) },
  ]);
}

/** All that a counter holds is recent, so that every window of it reads the same, as in a store it can. */
function sharedCounters(dice: Dice): Counters {
  const counters = countersFrom(dice);
  return (limit) => ({ ...counters({ ...limit, id: limit.scope }), limitId: limit.id });
}

/** Decides under one policy, compiled once. */
function deciderOf(document: PolicyDocument, counters: Counters) {
  const policy = compilePolicy(document, IDENTITY);
  return (facts: Facts): Verdict => {
    const told = withPolicyFacts(facts, document);
    const plan = planDecision(policy, told);
    return concludeDecision(policy, told, plan, answerOf(plan, counters));
  };
}

describe('a change that is said to only tighten', () => {
  it('never lets through what was denied, or asks less', () => {
    const dice = seededDice(11);
    let tightening = 0;
    for (let run = 0; run < 2_000; run += 1) {
      const before = chance(dice, 2) ? policyFrom(dice) : openPolicyFrom(dice);
      const after = changed(dice, before);
      if (loosenings(before, after).length > 0) continue;
      tightening += 1;
      const counters = sharedCounters(dice);
      const [decideOld, decideNow] = [deciderOf(before, counters), deciderOf(after, counters)];
      for (let payment = 0; payment < 12; payment += 1) {
        const facts = chance(dice, 4) ? factsFrom(dice) : plainFactsFrom(dice);
        const [old, now] = [decideOld(facts), decideNow(facts)];
        if (!noLessStrict(now, old))
          expect.fail(JSON.stringify({ before, after, facts, old, now }));
      }
    }
    // Enough of the changes are found to tighten for the test to mean something.
    expect(tightening).toBeGreaterThan(600);
  });
});

describe('a change of policy', () => {
  const base = policyOf({
    stream: { atMost: '0.05' },
    prohibited: [{ id: 'sanctioned', when: { jurisdictions: ['KP', 'IR'] } }],
    tiers: [
      {
        name: 'small',
        kind: 'autonomous',
        when: { amount: { atMost: '1.00' }, trust: 'known', domains: ['a.example', 'b.example'] },
        frequency: { atMost: 10, seconds: 60 },
      },
      {
        name: 'people',
        kind: 'collaborative',
        when: { trust: 'known' },
        quorum: 2,
        approvers: ['ada', 'bo', 'cy'],
        timeoutSeconds: 600,
        clearanceSeconds: 600,
      },
    ],
    budgets: [
      {
        id: 'daily',
        scope: 'agent',
        window: { kind: 'rolling', seconds: 86_400 },
        atMost: '10.00',
      },
    ],
    flags: [{ id: 'large', when: { amount: { over: '0.50' } } }],
  });
  const [small, people] = base.tiers as [Tier, Extract<Tier, { kind: 'collaborative' }>];
  const inSmall = (when: object): Partial<PolicyDocument> => ({
    tiers: [{ ...small, when: { ...small.when, ...when } }, people],
  });
  const daily = (change: object): Partial<PolicyDocument> => ({
    budgets: base.budgets.map((it) => ({ ...it, ...change })),
  });

  it.each<[string, Partial<PolicyDocument>]>([
    ['nothing', {}],
    ['a lower amount', inSmall({ amount: { atMost: '0.99' } })],
    ['fewer recipients', inSmall({ domains: ['b.example'] })],
    ['one more condition', inSmall({ hours: [{ timeZone: 'UTC', from: '09:00', to: '17:00' }] })],
    ['more trust', inSmall({ trust: 'verified' })],
    ['a tier less', { tiers: [people] }],
    ['no tiers', { tiers: [] }],
    ['more people asked', { tiers: [small, { ...people, quorum: 3 }] }],
    ['fewer who may grant', { tiers: [small, { ...people, approvers: ['ada', 'bo'] }] }],
    ['a lower frequency', { tiers: [{ ...small, frequency: { atMost: 9, seconds: 61 } }, people] }],
    ['a lower budget', daily({ atMost: '9.99' })],
    ['a longer window', daily({ window: { kind: 'lifetime' } })],
    [
      'a budget more',
      {
        budgets: [
          ...base.budgets,
          { id: 'm', scope: 'tenant', window: { kind: 'lifetime' }, atMost: '1' },
        ],
      },
    ],
    [
      'a prohibition more',
      { prohibited: [...base.prohibited, { id: 'x', when: { categories: ['x'] } }] },
    ],
    [
      'the same prohibited by two',
      {
        prohibited: ['KP', 'IR'].map((it) => ({
          id: it.toLowerCase(),
          when: { jurisdictions: [it] },
        })),
      },
    ],
    ['a flag raised more often', { flags: [{ id: 'large', when: { amount: { over: '0.40' } } }] }],
    ['shorter authorizations', { authorization: { maxLifetimeSeconds: 59 } }],
    ['other words', { alternative: 'Ask.' }],
  ])('to %s tightens', (_, change) => {
    expect(loosenings(base, { ...base, ...change })).toEqual([]);
  });

  it.each<[string, Partial<PolicyDocument>, string]>([
    [
      'a higher amount',
      inSmall({ amount: { atMost: '1.01' } }),
      'tier small: it takes more by amount',
    ],
    [
      'a recipient more',
      inSmall({ domains: ['a.example', 'c.example'] }),
      'tier small: it takes more by domains',
    ],
    ['less trust', inSmall({ trust: 'unknown' }), 'tier small: it takes more by trust'],
    [
      'a tier more',
      { tiers: [...base.tiers, { name: 'rest', kind: 'autonomous', when: { trust: 'unknown' } }] },
      'tier rest is new',
    ],
    [
      'fewer people asked',
      { tiers: [small, { ...people, quorum: 1 }] },
      'tier people: it asks less of people',
    ],
    [
      'others who may grant',
      { tiers: [small, { ...people, approvers: ['ada', 'bo', 'di'] }] },
      'tier people: it asks less',
    ],
    [
      'consent that lasts',
      { tiers: [small, { ...people, clearanceSeconds: 601 }] },
      'tier people: it asks less',
    ],
    [
      'a frequency of another name',
      { tiers: [{ ...small, name: 'tiny' }, people] },
      'tier tiny is new',
    ],
    [
      'less written down',
      { tiers: [{ ...small, audit: { depth: 'decisive' } }, people] },
      'tier small: less of it is written',
    ],
    ['a higher budget', daily({ atMost: '10.01' }), 'budget daily'],
    ['a shorter window', daily({ window: { kind: 'rolling', seconds: 86_399 } }), 'budget daily'],
    [
      'a day of the calendar',
      daily({ window: { kind: 'calendar', unit: 'day', timeZone: 'UTC' } }),
      'budget daily',
    ],
    ['a budget for some', daily({ only: ['research-1'] }), 'budget daily'],
    [
      'a prohibition less',
      { prohibited: [{ id: 'sanctioned', when: { jurisdictions: ['KP'] } }] },
      'prohibition sanctioned',
    ],
    ['a flag less', { flags: [] }, 'flag large'],
    [
      'a treasury',
      { treasury: { 'eip155:84532': `0x${'1'.repeat(40)}` } },
      'the treasury on eip155:84532',
    ],
    ['repetition', { again: true }, 'an unresolved purchase'],
    [
      'longer authorizations',
      { authorization: { maxLifetimeSeconds: 61 } },
      'authorizations live up to 61 s',
    ],
  ])('to %s loosens, and says so', (_, change, says) => {
    expect(loosenings(base, { ...base, ...change }).join('\n')).toContain(says);
  });

  it('to another order tightens one way and loosens the other', () => {
    const strictFirst = { ...base, tiers: [people, small] };
    expect(loosenings(base, strictFirst)).toEqual([]);
    expect(loosenings(strictFirst, base)).toEqual([
      'tier small: it may take what tier people took or kept from others',
    ]);
  });

  it('of a thousand tiers is told in the time of one', () => {
    const tiers = times(1_000, (index) => ({ ...small, name: `t${index}` }));
    const last: Tier = { name: 't999', kind: 'autonomous', when: { trust: 'known' } };
    const changedLast = { ...base, tiers: [...tiers.slice(0, 999), last] };
    expect(loosenings({ ...base, tiers: tiers.slice(0, 200) }, { ...base, tiers: [last] })).toEqual(
      ['tier t999 is new, and no tier asked as much for all it takes'],
    );
    expect(loosenings({ ...base, tiers }, changedLast)).toContain(
      'tier t999: it takes more by domains',
    );
  });
});
