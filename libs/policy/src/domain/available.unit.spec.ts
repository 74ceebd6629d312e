import type { PolicyDocument, Reading } from '@countersign/contracts';
import { describe, expect, it } from 'vitest';
import { type Spender, availableNow, planAvailable } from './available.ts';
import { compilePolicy } from './compile.ts';
import { decide } from './conclude.ts';
import { planDecision } from './plan.ts';
import { IDENTITY } from './testing/compare.ts';
import { seededDice } from './testing/dice.ts';
import { answerOf, countersFrom, openPolicyFrom, plainFactsFrom } from './testing/worlds.ts';

const ASSET = 'eip155:84532/erc20:0x036cbd53842c5426634e7929541ec2318f3dcf7e';
const DOCUMENT: PolicyDocument = {
  format: 1,
  name: 'test',
  unit: { name: 'USD', assets: [ASSET] },
  stream: { atMost: '0.10' },
  authorization: { maxLifetimeSeconds: 60 },
  again: false,
  prohibited: [],
  tiers: [
    {
      name: 'everyday',
      kind: 'autonomous',
      when: { trust: 'known' },
      frequency: { atMost: 3, seconds: 60 },
      budgets: [{ id: 'tier', scope: 'seller', window: { kind: 'lifetime' }, atMost: '2.00' }],
    },
  ],
  budgets: [
    { id: 'day', scope: 'agent', window: { kind: 'rolling', seconds: 86_400 }, atMost: '5.00' },
    { id: 'run', scope: 'session', window: { kind: 'lifetime' }, atMost: '1.00' },
    { id: 'shop', scope: 'seller', window: { kind: 'lifetime' }, atMost: '3.00', atMostCount: 9 },
    { id: 'others', scope: 'agent', window: { kind: 'payment' }, atMost: '1.00', only: ['b'] },
  ],
  flags: [],
};
const POLICY = compilePolicy(DOCUMENT, IDENTITY);

const spender = (change: Partial<Spender['established']> = {}, isSellerKnown = false): Spender => ({
  tenant: 'default',
  agent: 'a',
  isSellerKnown,
  established: {
    ...{ seller: 'embeddings', category: 'data', task: 'none', frozen: false },
    ...change,
  },
});
const read = (plan: ReturnType<typeof planAvailable>, committed = '0', open = '0'): Reading[] =>
  plan.limits.map(({ id, scope }) => ({
    ...{ limitId: id, scope, committed, open, committedCount: 2, openCount: 1 },
  }));
const names = (who: Spender) => planAvailable(POLICY, who).limits.map(({ id }) => id);

describe('what is available', () => {
  it('is asked of every limit that has a counter without knowing the payment', () => {
    expect(names(spender())).toEqual(['day@agent:a', 'frequency@tier:a/everyday']);
  });

  it('is asked of the seller, the session and the task where they are named', () => {
    const taskTerms = {
      ...{ phase: 'executing' as const, planCommitted: false, unit: 'USD' },
      ...{ ceiling: '900000', reported: '100000' },
    };
    const whole = { session: 'run-7', sessionCeiling: '400000', task: 't', taskTerms };
    expect(names(spender(whole, true))).toEqual([
      'task.ceiling@task:a/t',
      'session.ceiling@session:a/run-7',
      'day@agent:a',
      'run@session:a/run-7',
      'shop@seller:embeddings',
      'frequency@tier:a/everyday',
      'tier@seller:embeddings',
    ]);
  });

  it('is not asked of what was given in another unit', () => {
    const taskTerms = { phase: 'executing' as const, planCommitted: false, reported: '0' };
    const given = { unit: 'EUR', ceiling: '900000', stopAt: '800000' };
    const euros = { task: 't', taskTerms: { ...taskTerms, ...given } };
    const session = { session: 'run-7', sessionCeiling: '400000', sessionUnit: 'EUR' };
    expect(names(spender({ ...euros, ...session }))).toEqual([
      'day@agent:a',
      'run@session:a/run-7',
      'frequency@tier:a/everyday',
    ]);
  });

  it('is what committed and open leave, never below nothing', () => {
    const plan = planAvailable(POLICY, spender());
    const { limits, tiers } = availableNow(plan, read(plan, '4000000', '300000'));
    expect(limits).toMatchObject([{ limit: 'day', scope: 'agent:a', amount: '700000' }]);
    expect(tiers).toMatchObject([{ tier: 'everyday', limits: [{ limit: 'everyday', count: 0 }] }]);
    expect(availableNow(plan, read(plan, '9000000')).limits[0]?.amount).toBe('0');
  });

  it('says why nothing is paid at all', () => {
    const stopped = (change: Partial<Spender['established']>) =>
      planAvailable(POLICY, spender(change)).stopped;
    expect(stopped({})).toBeNull();
    expect(stopped({ frozen: true })).toBe('frozen');
    expect(stopped({ session: 'expired' })).toBe('session_expired');
    expect(stopped({ session: 'run-7', sessionCeiling: '1', sessionUnit: 'EUR' })).toBe(
      'session_unit_differs',
    );
    const done = { phase: 'done' as const, planCommitted: true, reported: '0' };
    expect(stopped({ taskTerms: done })).toBe('task_done');
    expect(planAvailable(null, spender())).toMatchObject({ stopped: 'no_policy', limits: [] });
  });

  it('is what the answer of a decision on the same counters says, less nothing', () => {
    const dice = seededDice(11);
    let compared = 0;
    for (let round = 0; round < 300; round += 1) {
      const policy = compilePolicy(openPolicyFrom(dice), IDENTITY);
      const counters = countersFrom(dice);
      const facts = plainFactsFrom(dice);
      const plan = planDecision(policy, facts);
      const answer = answerOf(plan, counters);
      if (plan.kind !== 'candidates' || !answer) continue;
      const verdict = decide(policy, facts, answer);
      if (verdict.outcome !== 'deny') continue;
      const asked = planAvailable(policy, { ...facts, isSellerKnown: true });
      const now = availableNow(asked, answer.readings);
      const all = [...now.limits, ...now.tiers.flatMap(({ limits }) => limits)];
      for (const told of verdict.available ?? []) {
        if (told.scope.startsWith('stream:')) continue;
        expect(all).toContainEqual(told);
        compared += 1;
      }
    }
    expect(compared).toBeGreaterThan(50);
  });
});
