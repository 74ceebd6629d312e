import { type Conditions, type PolicyDocument, Verdict } from '@countersign/contracts';
import { rescaleUp } from '@countersign/kernel';
import { describe, expect, it } from 'vitest';
import { concludeDecision } from './conclude.ts';
import { planDecision } from './plan.ts';
import {
  type FactsChange,
  PAYEE,
  USDC_ID,
  answering,
  compiled,
  factsOf,
  permitting,
  prohibiting,
} from './testing/case.ts';

function outcomeOf(document: PolicyDocument, change: FactsChange): Verdict['outcome'] {
  const [policy, facts] = [compiled(document), factsOf(change)];
  const plan = planDecision(policy, facts);
  return Verdict.parse(concludeDecision(policy, facts, plan, answering(plan))).outcome;
}

const price = (amount: string, expectedAmount: string, asserted?: string): FactsChange => ({
  quote: { amount },
  established: { expectedAmount },
  ...(asserted !== undefined && { asserted: { expectedAmount: asserted } }),
});

/** Conditions, a payment that meets them and one that just does not. */
const boundaries: [string, Conditions, FactsChange, FactsChange][] = [
  ['at most', { amount: { atMost: '0.02' } }, {}, { quote: { amount: '20001' } }],
  ['over', { amount: { over: '0.02' } }, { quote: { amount: '20001' } }, {}],
  [
    'over the smallest unit',
    { amount: { over: '0.000001' } },
    { quote: { amount: '2' } },
    { quote: { amount: '1' } },
  ],
  [
    'a range',
    { amount: { over: '0.01', atMost: '0.02' } },
    { quote: { amount: '10001' } },
    { quote: { amount: '10000' } },
  ],
  [
    'a limit beyond what can be counted',
    { amount: { atMost: '9999999999.999999' } },
    { quote: { amount: '9007199254740991' } },
    { quote: { amount: '9007199254740992' } },
  ],
  ['category', { categories: ['data'] }, {}, { established: { category: 'dat' } }],
  [
    'category, as one of many',
    { categories: ['compute', 'search', 'legal', 'data'] },
    {},
    { established: { category: 'DATA' } },
  ],
  ['least trust', { trust: 'known' }, {}, { established: { trust: 'unknown' } }],
  [
    'least trust verified',
    { trust: 'verified' },
    { established: { trust: 'verified' } },
    { established: { trust: 'known' } },
  ],
  ['any trust', { trust: 'any' }, {}, { established: { trust: 'unknown' } }],
  ['exactly this trust', { trustIs: 'known' }, {}, { established: { trust: 'verified' } }],
  ['seller', { sellers: ['embeddings'] }, {}, { established: { seller: 'embedding' } }],
  ['domain', { domains: ['api.example.com'] }, {}, { established: { domain: 'example.com' } }],
  [
    'domain, and not what lies below it',
    { domains: ['example.com'] },
    { established: { domain: 'example.com' } },
    {},
  ],
  [
    'domain, and not another port of it',
    { domains: ['api.example.com'] },
    {},
    { established: { domain: 'api.example.com:8443' } },
  ],
  [
    'domain, and no letter that looks like one of it',
    { domains: ['api.example.com'] },
    {},
    { established: { domain: 'аpi.example.com' } },
  ],
  [
    'domain, with its registered payee',
    { domains: ['api.example.com'] },
    {},
    { established: { payee: 'unknown', seller: 'unknown' } },
  ],
  ['path', { routes: ['/v1'] }, {}, { established: { route: '/v10' } }],
  ['path to its end', { routes: ['/v1/embeddings'] }, {}, { established: { route: '/v1' } }],
  [
    'path with a slash at its end',
    { routes: ['/v1/'] },
    { established: { route: '/v1/' } },
    { established: { route: '/v2/' } },
  ],
  ['every path', { routes: ['/'] }, {}, { established: { payee: 'unknown' } }],
  ['path, not left by dots', { routes: ['/v1'] }, {}, { established: { route: '/v1/../x' } }],
  [
    'path, not left by encoded dots',
    { routes: ['/v1'] },
    { established: { route: '/v1/a%2fb' } },
    { established: { route: '/v1/%2e%2e%2fx' } },
  ],
  ['payee', { payTo: [PAYEE] }, {}, { quote: { payTo: `0x${'5'.repeat(39)}6` } }],
  [
    'payee in any case',
    { payTo: [`0x${'A'.repeat(40)}`] },
    { quote: { payTo: `0x${'a'.repeat(40)}` } },
    {},
  ],
  ['network', { networks: ['eip155:84532'] }, {}, { quote: { network: 'eip155:8453' } }],
  ['asset', { assets: [USDC_ID] }, {}, { quote: { asset: PAYEE } }],
  ['jurisdiction', { jurisdictions: ['DE'] }, {}, { established: { jurisdiction: 'unknown' } }],
  [
    'a jurisdiction that is not known',
    { jurisdictions: ['unknown'] },
    { established: { jurisdiction: 'unknown' } },
    {},
  ],
  ['agent', { agents: ['research-1'] }, {}, { agent: 'research-10' }],
  ['price', { priceWithinPercent: 0 }, price('100', '100'), price('101', '100')],
  [
    'price within ten percent',
    { priceWithinPercent: 10 },
    price('110', '100'),
    price('111', '100'),
  ],
  ['price, not rounded', { priceWithinPercent: 10 }, price('1', '1'), price('2', '1')],
  ['price for nothing', { priceWithinPercent: 1000 }, price('11', '1'), price('1', '0')],
  ['price without an expected one', { priceWithinPercent: 1000 }, price('1', '1'), {}],
  [
    'price the agent expected',
    { priceWithinPercent: 10 },
    price('110', '110', '100'),
    price('110', '110', '99'),
  ],
  [
    'all conditions',
    { categories: ['data'], sellers: ['embeddings'] },
    {},
    { established: { seller: 'other' } },
  ],
];

describe('a tier', () => {
  it.each(boundaries)('has a boundary: %s', (_, when, meeting, failing) => {
    expect(outcomeOf(permitting(when), meeting)).toBe('allow');
    expect(outcomeOf(permitting(when), failing)).toBe('deny');
  });

  it.each([
    ['seller', { sellers: ['unknown'] }, { seller: 'unknown' }],
    ['category', { categories: ['unknown'] }, { category: 'unknown' }],
  ] as [string, Conditions, FactsChange['established'] & object][])(
    'takes no unknown %s, even where it names it',
    (_, when, established) => {
      expect(outcomeOf(permitting(when), { established })).toBe('deny');
    },
  );
});

describe('a prohibition', () => {
  it.each([
    ['amount over', { amount: { over: '0.02' } }, { quote: { amount: '20001' } }, {}],
    ['amount at most', { amount: { atMost: '0.02' } }, {}, { quote: { amount: '20001' } }],
    [
      'one of two',
      { sellers: ['other'], trustIs: 'known' },
      {},
      { established: { trust: 'verified' } },
    ],
    ['unknown seller', { sellers: ['unknown'] }, { established: { seller: 'unknown' } }, {}],
    ['unknown category', { categories: ['unknown'] }, { established: { category: '' } }, {}],
    [
      'category the agent names',
      { categories: ['legal'] },
      { asserted: { category: 'legal' } },
      {},
    ],
    ['host', { domains: ['bad.example'] }, { established: { domain: 'BAD.example.' } }, {}],
    [
      'host on a port',
      { domains: ['bad.example'] },
      { established: { domain: 'bad.example.:81' } },
      {},
    ],
    ['path', { routes: ['/admin'] }, { established: { route: '/ADMIN;x=1/a' } }, {}],
    [
      'path by a detour',
      { routes: ['/admin'] },
      { established: { route: '/a/%2e%2e%5cadmin' } },
      {},
    ],
  ] as [string, Conditions, FactsChange, FactsChange][])(
    'forbids by %s',
    (_, when, meeting, failing) => {
      expect(outcomeOf(prohibiting(when), meeting)).toBe('deny');
      expect(outcomeOf(prohibiting(when), failing)).toBe('allow');
    },
  );

  it('wins over any tier', () => {
    expect(outcomeOf(prohibiting({ agents: ['research-1'] }), {})).toBe('deny');
  });
});

describe('an amount', () => {
  it('of an asset with 18 decimals counts rounded up', () => {
    expect(rescaleUp(1n, 18, 6)).toBe(1n);
    expect(rescaleUp(10n ** 12n, 18, 6)).toBe(1n);
    expect(rescaleUp(10n ** 12n + 1n, 18, 6)).toBe(2n);
  });

  it.each(['-1', '1.5', '1e3', '0x10', '01', ''])('of %j is no amount', (amount) => {
    expect(() => factsOf({ quote: { amount } })).toThrow();
  });

  it.each([
    ['0', 'deny'],
    ['1', 'allow'],
    [(2n ** 256n - 1n).toString(), 'deny'],
  ])('of %s units comes out as %s', (amount, outcome) => {
    expect(outcomeOf(permitting({ trust: 'unknown' }), { quote: { amount } })).toBe(outcome);
  });

  it('may be let through where a smaller one is not, by rules that say so', () => {
    const [small, large] = [{ quote: { amount: '10000' } }, { quote: { amount: '30000' } }];
    for (const document of [
      permitting({ amount: { over: '0.02' } }),
      prohibiting({ amount: { atMost: '0.02' } }),
    ]) {
      expect(outcomeOf(document, small)).toBe('deny');
      expect(outcomeOf(document, large)).toBe('allow');
    }
  });
});
