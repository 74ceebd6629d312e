import { Verdict } from '@countersign/contracts';
import { canonicalText } from '@countersign/kernel';
import { describe, expect, it } from 'vitest';
import { concludeDecision, decide } from './conclude.ts';
import { planDecision } from './plan.ts';
import { replayDecision } from './replay.ts';
import { answering, compiled, factsOf, policyOf } from './testing/case.ts';
import { times } from './testing/dice.ts';

const IDENTITY = { version: 1, hash: '0'.repeat(64) };
const DAY = { kind: 'rolling', seconds: 86_400 };

describe('a trace', () => {
  it('is told from the payment itself, however alike another one spells its URL', () => {
    const prohibited = [{ id: 'no', when: { routes: ['/v1/x'], domains: ['evil.example.com'] } }];
    const policy = compiled(policyOf({ prohibited }));
    const traceOf = (route: string, domain: string, by = policy) => {
      const { trace } = decide(by, factsOf({ established: { route, domain } }), null);
      return trace.find(({ rule }) => rule === 'prohibition:no');
    };
    const spellings = ['', '1', '1:', '4:/v1', '/v1', '/v1/x', 'evil.example.com', '0:', '2:1'];
    for (const route of spellings)
      for (const domain of spellings) {
        const alone = compiled(policyOf({ prohibited }));
        expect(traceOf(route, domain)).toEqual(traceOf(route, domain, alone));
      }
  });

  it('is told anew when so many were told that the first were let go of', () => {
    const policy = compiled(
      policyOf({ prohibited: [{ id: 'no', when: { domains: ['evil.example.com'] } }] }),
    );
    const told = (domain: string) => decide(policy, factsOf({ established: { domain } }), null);
    const [first, denied] = [told('d0.example.com'), told('evil.example.com')];
    for (const domain of times(5_000, (index) => `d${index}.example.com`)) told(domain);
    expect(told('d0.example.com')).toEqual(first);
    expect(told('evil.example.com')).toEqual(denied);
    expect(denied.reasons).toEqual(['prohibited']);
  });

  it('stays within its schema under the longest policy and the longest facts', () => {
    const many = times(1000, (index) => `rule-${index}-`.padEnd(64, 'x'));
    const domains = many.map((_, index) => `d${index}.example`);
    const when = {
      amount: { atMost: '9999999999' },
      trust: 'unknown',
      agents: ['a'.repeat(64), ...many],
    };
    const document = policyOf({
      prohibited: many.map((id) => ({
        id: `p-${id}`.slice(0, 64),
        when: { amount: { over: '9999999999' }, domains },
      })),
      tiers: many.map((name) => ({
        name,
        kind: 'autonomous',
        when,
        frequency: { atMost: 1, seconds: 1 },
        budgets: [{ id: `t-${name}`.slice(0, 64), scope: 'task', window: DAY, atMost: '0.01' }],
      })),
      budgets: many.map((id) => ({
        id,
        scope: 'task',
        window: DAY,
        atMost: '10.00',
        atMostCount: 1000,
      })),
      flags: many.map((id) => ({ id: `f-${id}`.slice(0, 64), when })),
    });
    const facts = factsOf({
      agent: 'a'.repeat(64),
      established: {
        domain: '\u202e\ud800'.repeat(126),
        route: `/${'\udc00'.repeat(2047)}`,
        category: '\ud800'.repeat(64),
        jurisdiction: '\ud800'.repeat(8),
        task: 't'.repeat(64),
      },
    });
    const huge = (2n ** 256n - 1n).toString();
    const policy = compiled(document);
    // The first rules, which read as many limits as there were.
    const plan = planDecision(policy, facts, 1);
    if (plan.kind === 'denied') throw new Error('denied');
    const full = Object.fromEntries(
      plan.always.map(({ id }) => [id, { committed: huge, open: huge }]),
    );
    for (const held of [{}, full]) {
      const answer = answering(plan, held);
      const verdict = Verdict.parse(concludeDecision(policy, facts, plan, answer));
      expect(verdict.flags).toHaveLength(1000);
      expect(verdict.trace.length).toBeLessThan(520);
      const decision = { policy: IDENTITY, facts, answer, verdict };
      expect(canonicalText(verdict).length).toBeLessThan(400_000);
      expect(replayDecision(document, decision).agrees).toBe(true);
    }
  });

  it('tells how many rules name something else', () => {
    const document = policyOf({
      prohibited: times(5000, (index) => ({
        id: `p${index}`,
        when: { domains: [`d${index}.example`] },
      })),
      tiers: times(100, (index) => ({
        name: `t${index}`,
        kind: 'autonomous',
        when: { categories: [index === 50 ? 'data' : `c${index}`], trust: 'known' },
      })),
    });
    const policy = compiled(document);
    const facts = factsOf();
    const verdict = decide(policy, facts, answering(planDecision(policy, facts)));
    expect(verdict).toMatchObject({ outcome: 'allow', tier: 't50' });
    expect(verdict.trace.slice(1)).toEqual([
      {
        rule: 'prohibitions',
        met: false,
        why: '5000 prohibitions name other values than this payment has, so none is met',
      },
      {
        rule: 'tier:t50',
        met: true,
        why: 'the category data is data; trust known is at least known',
      },
      {
        rule: 'tiers',
        met: false,
        why: '99 tiers name other values than this payment has, so none is met',
      },
    ]);
  });

  it('shows a foreign value in plain characters', () => {
    const policy = compiled(
      policyOf({ prohibited: [{ id: 'p', when: { domains: ['bad.example'] } }] }),
    );
    const facts = factsOf({ established: { domain: 'evil\u202egro' } });
    const verdict = decide(policy, facts, answering(planDecision(policy, facts)));
    expect(verdict.trace[1]?.why).toBe('the domain evil\\u202egro is not bad.example');
  });
});
