import { readFileSync } from 'node:fs';
import type { Facts, Reading, Verdict } from '@countersign/contracts';
import { describe, expect, it } from 'vitest';
import { checkPolicy } from './domain/check.ts';
import { compilePolicy } from './domain/compile.ts';
import { decide } from './domain/conclude.ts';
import { loosenings } from './domain/loosening.ts';
import { planDecision } from './domain/plan.ts';
import { withPolicyFacts } from './domain/policy-facts.ts';
import { reportOn } from './domain/report.ts';
import { type FactsChange, answering, factsOf } from './domain/testing/case.ts';
import { TEMPLATES, type TemplateName, templateText } from './templates.ts';
import { figuresOf } from './testing/figures.ts';
import { parsePolicyText } from './text.ts';

async function documentOf(name: TemplateName) {
  return parsePolicyText(await templateText(name)).document;
}

type Held = Readonly<Record<string, Partial<Reading>>>;
/** A payment, and the time of the day in hours at which it is proposed. */
type Proposed = FactsChange & { readonly hour?: number };

/** @param held what counters hold, by the name of their budget, or `frequency`. */
async function verdictOf(
  name: TemplateName,
  proposed: Proposed,
  held: Held = {},
): Promise<Verdict> {
  const { hour = 12, ...change } = proposed;
  const document = await documentOf(name);
  const policy = compilePolicy(document, { version: 1, hash: '0'.repeat(64) });
  const at = { ...factsOf(change), atMs: hour * 3_600_000 };
  const facts: Facts = withPolicyFacts(at, document);
  const plan = planDecision(policy, facts);
  const limits =
    plan.kind === 'denied' ? [] : [...plan.always, ...plan.tiers.flatMap((tier) => tier.limits)];
  const byId = limits.map(({ id }) => [id, held[id.split('@')[0] ?? ''] ?? {}] as const);
  return decide(policy, facts, answering(plan, Object.fromEntries(byId)));
}

const outcome = ({ tier, reasons }: Verdict) => tier ?? reasons[0] ?? '';
const outcomeOf = async (name: TemplateName, change: FactsChange) =>
  outcome(await verdictOf(name, change));

const atomic = (decimal: string) => String(Math.round(Number(decimal) * 1_000_000));
const amount = (decimal: string) => ({ quote: { amount: atomic(decimal) } });
const stranger = {
  established: { seller: 'unknown', payee: 'unknown', trust: 'unknown' },
} as const;

const PAGES = new URL('../../../docs/templates/', import.meta.url);
const pageOf = (name: TemplateName) => readFileSync(new URL(`${name}.md`, PAGES), 'utf8');
const namesOf = async (name: TemplateName) => [...figuresOf(await documentOf(name)).keys()].sort();

describe.each(TEMPLATES)('the template %s', (name) => {
  it('is a policy without faults and surprises', async () => {
    const document = await documentOf(name);
    expect(document.name).toBe(name);
    expect(checkPolicy(document).faults).toEqual([]);
  });

  it('has a page that says of each rule what the rule says', async () => {
    const rows = [...pageOf(name).matchAll(/^\| `([a-z-]+)` +\| (.*?) +\| .+\|$/gm)];
    const said = Object.fromEntries(rows.map(([, rule, figures]) => [rule, figures]));
    expect(said).toEqual(Object.fromEntries(figuresOf(await documentOf(name))));
  });

  it('has a page that says how much goes through in a day without people, or with people who do not answer', async () => {
    const exposure = pageOf(name)
      .split('\n\n')
      .find((paragraph) => paragraph.startsWith('**Exposure**'));
    const said = [...(exposure ?? '').matchAll(/`([a-z-]+)` ([0-9]+\.[0-9]{2})/g)];
    const bounds = reportOn(await documentOf(name), [])
      .tiers.filter(({ kind }) => kind !== 'collaborative')
      .map(({ tier, dayBound }) => [tier, dayBound]);
    expect(exposure).toBeDefined();
    expect(said.map(([, tier, most = '']) => [tier, BigInt(atomic(most))])).toEqual(bounds);
  });
});

const spent = (decimal: string) => ({ committed: atomic(decimal) });
const count = (committedCount: number) => ({ committedCount });
const verified = { trust: 'verified' } as const;
const of = (decimal: string, established: FactsChange['established'] = {}): FactsChange => ({
  ...amount(decimal),
  established,
});
const atPrice = (decimal: string, established: FactsChange['established'] = {}): FactsChange =>
  of(decimal, { expectedAmount: atomic(decimal), ...established });
const order = { task: 'order-1', trust: 'verified' } as const;

/** A payment, what comes of it, and what the counters hold. */
type Side = readonly [proposed: Proposed, comes: string, held?: Held];
/** A rule, and a payment on either side of it. */
type Sides = readonly [rule: string, below: Side, above: Side];

const counted = (
  rule: string,
  proposed: Proposed,
  [below, above]: readonly [Partial<Reading>, Partial<Reading>],
  [tier, instead = 'budget_exceeded', counter = rule]: readonly [
    tier: string,
    instead?: string | undefined,
    counter?: string,
  ],
): Sides => [
  rule,
  [proposed, tier, { [counter]: below }],
  [proposed, instead, { [counter]: above }],
];

const often = (
  rule: string,
  proposed: Proposed,
  most: number,
  instead = 'frequency_exceeded',
): Sides => counted(rule, proposed, [count(most - 1), count(most)], [rule, instead, 'frequency']);

const SIDES: Record<TemplateName, readonly Sides[]> = {
  dev: [
    ['anything', [of('1.00'), 'anything'], [of('1.01'), 'no_tier']],
    often('anything', of('0.01'), 600),
    counted('agent-day', of('1.00'), [spent('19.00'), spent('19.01')], ['anything']),
    ['unknown-seller', [of('0.01'), ''], [of('0.01', stranger.established), 'unknown-seller']],
  ],
  conservative: [
    [
      'nobody-we-know',
      [of('0.01'), 'everything-else'],
      [of('0.01', stranger.established), 'prohibited'],
    ],
    [
      'routine',
      [atPrice('5.00', verified), 'routine'],
      [atPrice('5.01', verified), 'everything-else'],
    ],
    [
      'routine',
      [atPrice('4.00', verified), 'routine'],
      [atPrice('4.00', { ...verified, expectedAmount: '3999999' }), 'everything-else'],
    ],
    // The budget of a day is below what the tier takes: it is what stops the smaller one.
    ['everything-else', [of('100.00'), 'everything-else'], [of('100.01'), 'no_tier']],
    counted('agent-day', of('1.00'), [spent('99.00'), spent('99.01')], ['everything-else']),
    counted('agent-day', of('1.00'), [count(49), count(50)], ['everything-else', 'count_exceeded']),
    counted('house-month', of('1.00'), [spent('1999.00'), spent('1999.01')], ['everything-else']),
    ['night', [{ ...of('1.00'), hour: 19.99 }, ''], [{ ...of('1.00'), hour: 20 }, 'night']],
    ['night', [{ ...of('1.00'), hour: 6 }, ''], [{ ...of('1.00'), hour: 5.99 }, 'night']],
  ],
  'research-agent': [
    ['stream', [of('0.05'), 'lookups'], [of('0.06'), 'datasets']],
    ['not-research', [of('0.01'), 'lookups'], [of('0.01', { category: 'adult' }), 'prohibited']],
    ['lookups', [of('0.01'), 'lookups'], [of('0.01', { category: 'report' }), 'datasets']],
    often('lookups', of('0.01'), 2_000, 'datasets'),
    counted(
      'lookups-per-seller',
      of('0.05'),
      [spent('4.95'), spent('4.96')],
      ['lookups', 'datasets'],
    ),
    ['articles', [atPrice('2.00'), 'articles'], [atPrice('2.01'), 'datasets']],
    [
      'articles',
      [of('1.10', { expectedAmount: '1000000' }), 'articles'],
      [of('1.11', { expectedAmount: '1000000' }), 'datasets'],
    ],
    often('articles', atPrice('1.00'), 20, 'datasets'),
    ['datasets', [of('50.00'), 'datasets'], [of('50.01'), 'no_tier']],
    [
      'new-sellers',
      [of('50.00', stranger.established), 'new-sellers'],
      [of('50.01', stranger.established), 'no_tier'],
    ],
    counted('agent-month', of('1.00'), [spent('299.00'), spent('299.01')], ['datasets']),
    ['new-seller', [of('1.00'), ''], [of('1.00', stranger.established), 'new-seller']],
  ],
  shopping: [
    [
      'never',
      [of('1.00', order), 'basket'],
      [of('1.00', { ...order, category: 'weapon' }), 'prohibited'],
    ],
    [
      'small-basket',
      [atPrice('25.00', order), 'small-basket'],
      [atPrice('25.01', order), 'basket'],
    ],
    [
      'small-basket',
      [of('10.50', { ...order, expectedAmount: '10000000' }), 'small-basket'],
      [of('10.51', { ...order, expectedAmount: '10000000' }), 'basket'],
    ],
    often('small-basket', atPrice('1.00', order), 5, 'basket'),
    ['basket', [of('150.00', order), 'basket'], [of('150.01', order), 'large']],
    ['large', [of('1000.00', order), 'large'], [of('1000.01', order), 'no_tier']],
    counted('order', of('1.00', order), [spent('999.00'), spent('999.01')], ['basket']),
    counted('shop-day', of('1.00', order), [spent('1499.00'), spent('1499.01')], ['basket']),
    counted('house-day', of('1.00', order), [spent('4999.00'), spent('4999.01')], ['basket']),
    ['expensive', [of('100.00', order), ''], [of('100.01', order), 'expensive']],
  ],
  'micro-api': [
    ['stream', [atPrice('0.02'), 'metered'], [atPrice('0.03'), 'single-calls']],
    ['metered', [atPrice('0.02'), 'metered'], [of('0.02', { expectedAmount: '19999' }), 'no_tier']],
    often('metered', atPrice('0.02'), 20_000),
    counted('metered-per-seller', atPrice('0.02'), [spent('9.98'), spent('9.99')], ['metered']),
    ['single-calls', [of('5.00'), 'single-calls'], [of('5.01'), 'no_tier']],
    counted('agent-day', of('5.00'), [spent('45.00'), spent('45.01')], ['single-calls']),
    ['single-call', [of('0.02'), ''], [of('0.03'), 'single-call']],
  ],
};

describe.each(TEMPLATES)('on either side of every rule of %s', (name) => {
  it('there is a payment', async () => {
    const tried = new Set(SIDES[name].map(([rule]) => rule));
    expect([...tried].sort()).toEqual(await namesOf(name));
  });

  it.each(SIDES[name])('it decides as the rule says: %s', async (rule, ...sides) => {
    const isFlag = (await documentOf(name)).flags.some(({ id }) => id === rule);
    for (const [proposed, comes, held] of sides) {
      const verdict = await verdictOf(name, proposed, held);
      const raised = verdict.flags.includes(rule) ? rule : '';
      expect(isFlag ? raised : outcome(verdict)).toBe(comes);
    }
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
