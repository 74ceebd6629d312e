import type { Facts } from '@countersign/contracts';
import { compilePolicy, decide } from '@countersign/policy';
import { parsePolicyText } from '@countersign/policy/text';
import { NETWORK, PAYEE, USDC, WALLET, quoteOf } from '@countersign/testkit';
import { type Bench, type Line, nanosOf, thousands, times } from './bench.ts';

const CALLS = { quick: 500, full: 4_000 };
const RECIPIENTS = [10, 1_000, 10_000];
const RULES = [10, 100, 1_000];

const address = (index: number) => `0x${index.toString(16).padStart(40, 'a')}`;

/** One tier that pays listed recipients, and prohibitions of single domains. */
function policyText(recipients: number, rules: number): string {
  return JSON.stringify({
    format: 1,
    name: 'bench',
    unit: { name: 'USD', assets: [`${NETWORK}/erc20:${USDC}`] },
    authorization: { maxLifetimeSeconds: 60 },
    again: false,
    flags: [],
    prohibited: Array.from({ length: rules }, (_, index) => ({
      id: `no-${index}`,
      when: { domains: [`evil-${index}.example.com`] },
    })),
    tiers: [
      {
        name: 'everyday',
        kind: 'autonomous',
        when: {
          amount: { atMost: '1.00' },
          categories: ['embedding', 'search', 'image'],
          payTo: [PAYEE, ...Array.from({ length: recipients - 1 }, (_, index) => address(index))],
        },
      },
    ],
    budgets: [],
  });
}

const FACTS: Facts = {
  atMs: 1_790_000_000_000,
  tenant: 'default',
  agent: 'research-1',
  kind: 'payment',
  quote: quoteOf(),
  resource: { method: 'GET', url: 'https://api.example.com/v1/embed' },
  again: false,
  established: {
    ...{ seller: 'embeddings', payee: 'registered', domain: 'api.example.com', route: '/v1/embed' },
    ...{ category: 'embedding', trust: 'known', jurisdiction: 'DE', task: 'none', frozen: false },
    wallet: { id: 'w1', address: WALLET },
  },
  asserted: {},
};

/** The store's answer: nothing was spent. */
const ANSWER = { epoch: 0, sequence: 1, atMs: FACTS.atMs, tier: 'everyday', readings: [] };

/** What an engineer would write by hand for the same policy, with no explanation. */
function byHand(recipients: number, rules: number): (facts: Facts) => boolean {
  const payees = new Set([
    PAYEE,
    ...Array.from({ length: recipients - 1 }, (_, at) => address(at)),
  ]);
  const evil = new Set(Array.from({ length: rules }, (_, index) => `evil-${index}.example.com`));
  const categories = new Set(['embedding', 'search', 'image']);
  return ({ quote, established }) =>
    !evil.has(established.domain) &&
    !established.frozen &&
    quote.asset === USDC &&
    BigInt(quote.amount) <= 1_000_000n &&
    categories.has(established.category) &&
    payees.has(quote.payTo);
}

function variants(): Facts[] {
  return Array.from({ length: 64 }, (_, index) => ({
    ...FACTS,
    quote: quoteOf({ amount: String(20_000 + index) }),
  }));
}

export const bench: Bench = {
  title: 'A decision with its whole trace beside a hand-written closure',
  about:
    'One process, one thread, the best of 25 rounds; the reservation is not in it. The closure answers yes or no; the decision says why, rule by rule.',
  run(tell, size) {
    const facts = variants();
    const measure = (recipients: number, rules: number) => {
      tell(`${recipients} recipients, ${rules} rules`);
      const { document, hash } = parsePolicyText(policyText(recipients, rules));
      const policy = compilePolicy(document, { version: 1, hash });
      const closure = byHand(recipients, rules);
      const at = (index: number) => facts[index % facts.length] ?? FACTS;
      if (decide(policy, FACTS, ANSWER).outcome !== 'allow' || !closure(FACTS))
        throw new Error('the two do not decide alike');
      const decision = nanosOf((index) => decide(policy, at(index), ANSWER), CALLS[size]);
      return { decision, closure: nanosOf((index) => closure(at(index)), CALLS[size] * 10) };
    };
    const lines: Line[] = [];
    const line = (what: string, own: ReturnType<typeof measure>, least: number) =>
      lines.push({
        what,
        figure: `${thousands(own.decision)} ns, ${times(own.decision / least)} of the smallest`,
        beside: `${thousands(own.closure)} ns by hand: ${times(own.decision / own.closure)}`,
        aim: '<= 1.50x of the smallest; <= 5x of the closure',
      });
    // The compiler of the engine has seen it all once before anything counts.
    measure(100, 100);
    const recipients = RECIPIENTS.map((count) => ({ count, own: measure(count, 10) }));
    for (const { count, own } of recipients)
      line(`${thousands(count)} recipients`, own, recipients[0]?.own.decision ?? 1);
    const rules = RULES.map((count) => ({ count, own: measure(100, count) }));
    for (const { count, own } of rules)
      line(`${thousands(count)} rules`, own, rules[0]?.own.decision ?? 1);
    return Promise.resolve(lines);
  },
};
