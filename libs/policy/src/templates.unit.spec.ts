import { existsSync } from 'node:fs';
import type { Facts } from '@countersign/contracts';
import { describe, expect, it } from 'vitest';
import { checkPolicy } from './domain/check.ts';
import { compilePolicy } from './domain/compile.ts';
import { decide } from './domain/conclude.ts';
import { loosenings } from './domain/loosening.ts';
import { planDecision } from './domain/plan.ts';
import { withPolicyFacts } from './domain/policy-facts.ts';
import { type FactsChange, answering, factsOf } from './domain/testing/case.ts';
import { TEMPLATES, type TemplateName, templateText } from './templates.ts';
import { parsePolicyText } from './text.ts';

async function documentOf(name: TemplateName) {
  return parsePolicyText(await templateText(name)).document;
}

async function outcomeOf(name: TemplateName, change: FactsChange): Promise<string> {
  const document = await documentOf(name);
  const policy = compilePolicy(document, { version: 1, hash: '0'.repeat(64) });
  const facts: Facts = withPolicyFacts(factsOf(change), document);
  const verdict = decide(policy, facts, answering(planDecision(policy, facts)));
  return verdict.tier ?? verdict.reasons[0] ?? '';
}

const amount = (decimal: string) => ({ quote: { amount: String(Number(decimal) * 1_000_000) } });
const stranger = {
  established: { seller: 'unknown', payee: 'unknown', trust: 'unknown' },
} as const;

describe.each(TEMPLATES)('the template %s', (name) => {
  it('is a policy without faults and surprises, with a page of why', async () => {
    const document = await documentOf(name);
    expect(document.name).toBe(name);
    expect(checkPolicy(document).faults).toEqual([]);
    const page = new URL(`../../../docs/templates/${name}.md`, import.meta.url);
    expect(existsSync(page)).toBe(true);
  });
});

describe('a template decides', () => {
  it.each<[TemplateName, string, FactsChange, string]>([
    ['dev', 'anything small on a test network', { ...amount('0.99'), ...stranger }, 'anything'],
    ['dev', 'and nothing large', amount('1.01'), 'no_tier'],
    ['conservative', 'no seller we do not know', { ...amount('0.01'), ...stranger }, 'prohibited'],
    ['conservative', 'a known one by people', amount('0.01'), 'everything-else'],
    [
      'conservative',
      'a verified one at its price with time to veto',
      { ...amount('4.00'), established: { trust: 'verified', expectedAmount: '4000000' } },
      'routine',
    ],
    ['research-agent', 'a lookup', amount('0.05'), 'lookups'],
    [
      'research-agent',
      'an article at its price',
      { ...amount('1.05'), established: { expectedAmount: '1000000' } },
      'articles',
    ],
    ['research-agent', 'an article above its price', amount('1.05'), 'datasets'],
    [
      'research-agent',
      'a new source by a person',
      { ...amount('0.05'), ...stranger },
      'new-sellers',
    ],
    ['shopping', 'nothing without an order', amount('5.00'), 'task_required'],
    [
      'shopping',
      'a small basket of an order',
      {
        ...amount('5.00'),
        established: { task: 'order-1', trust: 'verified', expectedAmount: '5000000' },
      },
      'small-basket',
    ],
    [
      'shopping',
      'a large one by a person',
      { ...amount('900.00'), established: { task: 'order-1' } },
      'large',
    ],
    [
      'micro-api',
      'a metered call at its price',
      { ...amount('0.02'), established: { expectedAmount: '20000' } },
      'metered',
    ],
    [
      'micro-api',
      'no call above it',
      { ...amount('0.02'), established: { expectedAmount: '19999' } },
      'no_tier',
    ],
    ['micro-api', 'a single call with time to veto', amount('0.03'), 'single-calls'],
  ])('%s: %s', async (name, _, change, expected) => {
    expect(await outcomeOf(name, change)).toBe(expected);
  });

  it('dev is looser than conservative, and is told to be', async () => {
    const [dev, conservative] = await Promise.all(
      (['dev', 'conservative'] as const).map(documentOf),
    );
    expect(loosenings(conservative!, dev!)).toContain(
      'prohibition nobody-we-know no longer holds in full',
    );
  });
});
