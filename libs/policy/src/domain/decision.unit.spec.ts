import {
  type Decision,
  type Facts,
  Limit,
  type PolicyDocument,
  type Reading,
  Verdict,
} from '@countersign/contracts';
import { canonicalText } from '@countersign/kernel';
import { describe, expect, it } from 'vitest';
import { concludeDecision, decide, tellAvailable } from './conclude.ts';
import { planDecision } from './plan.ts';
import { replayDecision } from './replay.ts';
import { RULES_VERSION } from './version.ts';
import { PAYEE, answering, compiled, factsOf, policyOf } from './testing/case.ts';

const IDENTITY = { version: 1, hash: '0'.repeat(64) };
const DAY = { kind: 'rolling', seconds: 86_400 };
const BUDGETED = policyOf({
  tiers: [
    {
      name: 'autonomous',
      kind: 'autonomous',
      when: { trust: 'known' },
      frequency: { atMost: 10, seconds: 3600 },
      budgets: [{ id: 'alone', scope: 'seller', window: DAY, atMost: '1.00' }],
    },
    { name: 'fallback', kind: 'autonomous', when: { trust: 'unknown' } },
  ],
  budgets: [
    { id: 'daily', scope: 'agent', window: DAY, atMost: '100.00' },
    { id: 'total', scope: 'task', window: { kind: 'lifetime' }, atMost: '5.00', atMostCount: 3 },
    { id: 'other', scope: 'agent', window: DAY, atMost: '1.00', only: ['other-1'] },
  ],
});
const ON_TASK = factsOf({ established: { task: 'report-7' } });

describe('a plan', () => {
  it('asks the budget store for every counter the payment stands in', () => {
    expect(planDecision(compiled(BUDGETED), ON_TASK)).toMatchObject({
      kind: 'candidates',
      amount: 20_000n,
      scopes: [
        'tenant:default',
        'agent:research-1',
        'seller:embeddings',
        'category:data',
        'task:research-1/report-7',
      ],
      always: [
        {
          id: 'daily@agent:research-1',
          scope: 'agent:research-1',
          window: DAY,
          atMost: '100000000',
        },
        {
          id: 'total@task:research-1/report-7',
          scope: 'task:research-1/report-7',
          window: { kind: 'lifetime' },
          atMost: '5000000',
          atMostCount: 3,
        },
      ],
      tiers: [
        {
          name: 'autonomous',
          scope: 'tier:research-1/autonomous',
          limits: [
            {
              id: 'frequency@tier:research-1/autonomous',
              scope: 'tier:research-1/autonomous',
              window: { kind: 'rolling', seconds: 3600 },
              atMostCount: 10,
            },
            { id: 'alone@seller:embeddings', scope: 'seller:embeddings', atMost: '1000000' },
          ],
        },
        { name: 'fallback', scope: 'tier:research-1/fallback', limits: [] },
      ],
    });
  });

  it('counts a seller nobody registered under one counter', () => {
    const plan = planDecision(
      compiled(policyOf()),
      factsOf({ established: { seller: 'unknown', payee: 'unknown' } }),
    );
    expect(plan).toMatchObject({ scopes: expect.arrayContaining(['seller:unknown']) });
  });

  it('has limits that the contract takes, however long the names', () => {
    const long = 'x'.repeat(64);
    const document = policyOf({
      tiers: [
        {
          name: long,
          kind: 'autonomous',
          when: { trust: 'unknown' },
          frequency: { atMost: 1, seconds: 1 },
        },
      ],
      budgets: [{ id: long, scope: 'task', window: DAY, atMost: '9999999999' }],
    });
    const plan = planDecision(
      compiled(document),
      factsOf({ agent: long, established: { task: long } }),
    );
    if (plan.kind === 'denied') throw new Error('denied');
    const limits = [...plan.always, ...plan.tiers.flatMap((it) => it.limits)];
    expect(limits.map((it) => Limit.parse(it))).toHaveLength(2);
    // A store that counts in doubles cannot hold more than this.
    expect(limits[0]?.atMost).toBe('9007199254740991');
  });
});

describe('a conclusion', () => {
  const policy = compiled(BUDGETED);
  const plan = planDecision(policy, ON_TASK);
  const held = {
    'daily@agent:research-1': { committed: '12000000', committedCount: 4 },
    'frequency@tier:research-1/autonomous': { committedCount: 9, openCount: 1 },
  };

  it('tells what each counter held', () => {
    const verdict = concludeDecision(policy, ON_TASK, plan, answering(plan, held));
    expect(verdict).toMatchObject({
      outcome: 'allow',
      tier: 'fallback',
      reasons: ['within_policy', 'frequency_exceeded'],
    });
    expect(verdict.trace.map(({ why }) => why)).toEqual(
      expect.arrayContaining([
        'daily (agent:research-1, last 86400 s): 12.00 of 100.00 USD spent or reserved, this is 0.02 USD',
        'autonomous (tier:research-1/autonomous, last 3600 s): 10 of 10 payments made or open before this one',
      ]),
    );
  });

  it('denies without an answer', () => {
    expect(concludeDecision(policy, ON_TASK, plan, null).reasons).toEqual(['counters_missing']);
  });

  it('believes no tier that does not follow from the readings', () => {
    const answer = { ...answering(plan, held)!, tier: 'autonomous' };
    const verdict = concludeDecision(policy, ON_TASK, plan, answer);
    expect(verdict).toMatchObject({ outcome: 'deny', reasons: ['counters_inconsistent'] });
  });

  it.each([
    ['left out', (limitId: string) => limitId.startsWith('daily@') && []],
    [
      'of another counter',
      (limitId: string) => limitId.startsWith('daily@') && [{ scope: 'agent:x' }],
    ],
    ['given twice', (limitId: string) => limitId.startsWith('daily@') && [{}, { committed: '0' }]],
  ])('does not decide on a reading %s', (_, change) => {
    const answer = answering(plan)!;
    const readings = answer.readings.flatMap((it) => {
      const changes = change(it.limitId);
      return changes ? changes.map((one) => ({ ...it, ...one })) : it;
    });
    for (const tier of [answer.tier, null])
      expect(concludeDecision(policy, ON_TASK, plan, { ...answer, tier, readings }).outcome).toBe(
        'deny',
      );
  });

  it('does not pass over a tier because its reading was left out', () => {
    const answer = answering(plan)!;
    const readings = answer.readings.filter((it) => !it.limitId.startsWith('frequency@'));
    const verdict = concludeDecision(policy, ON_TASK, plan, {
      ...answer,
      tier: 'fallback',
      readings,
    });
    expect(verdict).toMatchObject({ outcome: 'deny', reasons: ['counters_missing'] });
  });
});

const readingOf = (limitId: string, scope: string, committed: string): Reading => ({
  ...{ limitId, scope, committed, open: '0', committedCount: 1, openCount: 0 },
});

function denialOf(facts: Facts, readings: readonly Reading[]) {
  const plan = planDecision(compiled(BUDGETED), facts);
  return plan.kind === 'denied' ? tellAvailable(plan, readings) : undefined;
}

describe('a denial by no counter', () => {
  const limitsOf = (facts: Facts, policy: PolicyDocument | null = BUDGETED) => {
    const plan = planDecision(policy && compiled(policy), facts);
    return plan.kind === 'denied' ? plan.limits?.map(({ id }) => id) : undefined;
  };

  it('may read what limits the payment whatever the tier, as far as the payment says which', () => {
    const task = { task: 'report-7' };
    const both = ['daily@agent:research-1', 'total@task:research-1/report-7'];
    expect(limitsOf(factsOf())).toEqual(['daily@agent:research-1']);
    expect(limitsOf(factsOf({ established: { ...task, frozen: true } }))).toEqual(both);
    expect(limitsOf(factsOf({ established: { ...task, wallet: null } }))).toEqual(both);
    expect(limitsOf(factsOf({ established: task, quote: { asset: PAYEE } }))).toEqual(both);
  });

  it('reads no limit in another unit than the policy counts in', () => {
    const taskTerms = { phase: 'executing', planCommitted: true, reported: '0' } as const;
    const given = (unit: string) =>
      factsOf({
        established: {
          ...{ task: 'report-7', taskTerms: { ...taskTerms, unit, ceiling: '5000000' } },
          ...{ session: 'run-7', sessionCeiling: '1000000', sessionUnit: unit, frozen: true },
        },
      });
    const kept = ['daily@agent:research-1', 'total@task:research-1/report-7'];
    expect(limitsOf(given('EUR'))).toEqual(kept);
    expect(limitsOf(given('USD'))).toEqual([
      'task.ceiling@task:research-1/report-7',
      'session.ceiling@session:research-1/run-7',
      ...kept,
    ]);
  });

  it('reads nothing where nothing is limited, and the first fifty of more', () => {
    expect(limitsOf(ON_TASK, null)).toBeUndefined();
    expect(limitsOf(factsOf({ kind: 'withdrawal' }))).toBeUndefined();
    const budgets = Array.from({ length: 60 }, (_, index) => ({
      ...{ id: `b${index}`, scope: 'agent', window: DAY, atMost: '1.00' },
    }));
    const crowded = policyOf({ budgets, tiers: [] });
    expect(limitsOf(ON_TASK, crowded)).toHaveLength(50);
    expect(limitsOf(ON_TASK, policyOf({ tiers: [] }))).toEqual([]);
  });

  it('tells what they leave, and nothing else of it changes', () => {
    const daily = readingOf('daily@agent:research-1', 'agent:research-1', '99500000');
    const plain = decide(compiled(BUDGETED), factsOf(), null);
    expect(plain.available).toBeUndefined();
    expect(denialOf(factsOf(), [daily])?.verdict).toEqual({
      ...plain,
      available: [{ limit: 'daily', scope: 'agent:research-1', window: DAY, amount: '500000' }],
    });
  });
});

describe('a replay', () => {
  const decisionOf = (facts: Facts): Decision => {
    const policy = compiled(BUDGETED);
    const answer = answering(planDecision(policy, facts));
    const verdict = decide(policy, facts, answer);
    return { policy: IDENTITY, facts, answer, verdict, rules: RULES_VERSION };
  };

  it('agrees with what was decided', () => {
    for (const facts of [ON_TASK, factsOf()])
      expect(replayDecision(BUDGETED, decisionOf(facts)).agrees).toBe(true);
    const verdict = decide(null, ON_TASK, null);
    const recorded = { policy: null, facts: ON_TASK, answer: null, verdict };
    expect(replayDecision(null, recorded).agrees).toBe(true);
  });

  it('agrees after the record has been through JSON', () => {
    const recorded = JSON.parse(canonicalText(decisionOf(ON_TASK))) as Decision;
    expect(replayDecision(structuredClone(BUDGETED), recorded).agrees).toBe(true);
  });

  it('disagrees where the policy is not the one it names', () => {
    const decision = decisionOf(ON_TASK);
    expect(replayDecision(null, decision).agrees).toBe(false);
    expect(replayDecision(BUDGETED, { ...decision, policy: null }).agrees).toBe(false);
    const looser = { ...BUDGETED, budgets: [] };
    expect(replayDecision(looser, decision).agrees).toBe(false);
  });

  it('disagrees where a counter was asked for a denial that needs none', () => {
    const decision = decisionOf(factsOf());
    const { answer } = decisionOf(ON_TASK);
    expect(decision.answer).toBeNull();
    expect(replayDecision(BUDGETED, { ...decision, answer }).agrees).toBe(false);
  });

  it('disagrees where a denial was shown other readings than those of its limits', () => {
    const decision = decisionOf(factsOf());
    const readings = [readingOf('daily@agent:research-1', 'agent:research-1', '99500000')];
    const told = denialOf(factsOf(), readings);
    const recorded = { ...decision, readings, verdict: told!.verdict };
    expect(replayDecision(BUDGETED, recorded).agrees).toBe(true);
    const agrees = (change: Partial<Decision>) =>
      replayDecision(BUDGETED, { ...recorded, ...change }).agrees;
    const [reading] = readings as [Reading];
    expect(agrees({ readings: [{ ...reading, committed: '0' }] })).toBe(false);
    expect(agrees({ readings: [{ ...reading, scope: 'agent:other-1' }] })).toBe(false);
    expect(agrees({ readings: [...readings, reading] })).toBe(false);
    expect(agrees({ readings: [] })).toBe(false);
    expect(agrees({ readings, verdict: decision.verdict })).toBe(false);
    expect(agrees({ rules: undefined })).toBe(false);
    expect(replayDecision(BUDGETED, { ...decisionOf(ON_TASK), readings }).agrees).toBe(false);
  });

  it('disagrees with a verdict that cannot be written down', () => {
    const decision = decisionOf(ON_TASK);
    const trace = [{ rule: 'checks', met: true, why: '\ud800' }];
    const verdict = Verdict.parse({ ...decision.verdict, trace });
    expect(replayDecision(BUDGETED, { ...decision, verdict }).agrees).toBe(false);
  });
});
