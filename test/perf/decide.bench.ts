import type { Facts, TraceLine, Verdict } from '@countersign/contracts';
import { canonicalText } from '@countersign/kernel';
import { compilePolicy, decide } from '@countersign/policy';
import { parsePolicyText } from '@countersign/policy/text';
import { NETWORK, PAYEE, USDC, WALLET, quoteOf } from '@countersign/testkit';
import { type Bench, type Line, nanosOfEach, thousands, times } from './bench.ts';

const CALLS = { quick: 500, full: 4_000 };
const RECIPIENTS = [10, 1_000, 10_000];
const RULES = [10, 100, 1_000];
const SELLERS = 8;
/** So few rules are told one by one. */
const TOLD_RULES = 10;

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
    established: { ...FACTS.established, domain: `api-${index % SELLERS}.example.com` },
  }));
}

/**
 * What an engineer would write by hand to give the same verdict with the same explanation: every rule in order, a line
 * for each, and nothing kept from one call to the next. Below the number of rules that are explained one by one.
 */
function byHandTraced(recipients: number, rules: number): (facts: Facts) => Verdict {
  const payees = new Set([
    PAYEE,
    ...Array.from({ length: recipients - 1 }, (_, at) => address(at)),
  ]);
  const evil = Array.from({ length: rules }, (_, index) => `evil-${index}.example.com`);
  const categories = new Set(['embedding', 'search', 'image']);
  const from = recipients <= 3 ? 'few' : `one of the ${recipients} listed`;
  return ({ quote, established }) => {
    const units = BigInt(quote.amount);
    const amount = `${decimal(units)} USD`;
    const { domain, category, payee } = established;
    const why = `${amount}; USDC counts in USD; the payee ${quote.payTo} is ${payee}`;
    const trace: TraceLine[] = [{ rule: 'checks', met: true, why }];
    for (const [index, other] of evil.entries())
      trace.push({
        rule: `prohibition:no-${index}`,
        met: domain === other,
        why: `the domain ${domain} is ${domain === other ? '' : 'not '}${other}`,
      });
    const fits = units <= 1_000_000n && categories.has(category) && payees.has(quote.payTo);
    const told = [
      `the amount ${amount} is at most 1.00 USD`,
      `the category ${category} is one of embedding, search, image`,
      `the payee ${quote.payTo} is ${from}`,
    ];
    trace.push({ rule: 'tier:everyday', met: fits, why: told.join('; ') });
    return {
      ...{ outcome: fits ? 'allow' : 'deny', tier: 'everyday', prohibited: false, flags: [] },
      ...{ requirement: { kind: 'none' }, maxLifetimeMs: 60_000, amountUnits: units.toString() },
      ...{ reasons: ['within_policy'], trace, available: [] },
    };
  };
}

function decimal(units: bigint): string {
  const digits = units.toString().padStart(7, '0');
  return `${digits.slice(0, -6)}.${digits.slice(-6)}`.replace(/(\.\d\d)(\d*?)0*$/, '$1$2');
}

export const bench: Bench = {
  title: 'A decision with its whole trace beside a hand-written closure',
  about:
    'One process, one thread, the best of 25 rounds in which all take turns; the reservation is not in it. The first closure answers yes or no. The decision says why, rule by rule, and so does the second closure, in the same lines; it has no index, so that it stands beside ten rules alone. The payments come from eight sellers.',
  run(tell, size) {
    const facts = variants();
    const measure = (recipients: number, rules: number) => {
      tell(`${recipients} recipients, ${rules} rules`);
      const { document, hash } = parsePolicyText(policyText(recipients, rules));
      const policy = compilePolicy(document, { version: 1, hash });
      const closure = byHand(recipients, rules);
      const traced = byHandTraced(recipients, rules);
      const at = (index: number) => facts[index % facts.length] ?? FACTS;
      const ours = decide(policy, FACTS, ANSWER);
      if (ours.outcome !== 'allow' || !closure(FACTS))
        throw new Error('the two do not decide alike');
      if (rules === TOLD_RULES && canonicalText(ours) !== canonicalText(traced(FACTS)))
        throw new Error('the closure that explains says something else');
      return nanosOfEach(
        {
          decision: (index) => decide(policy, at(index), ANSWER),
          yesNo: (index) => closure(at(index)),
          traced: (index) => traced(at(index)),
        },
        CALLS[size],
      );
    };
    const lines: Line[] = [];
    const line = (what: string, rules: number, own: ReturnType<typeof measure>, least: number) =>
      lines.push({
        what,
        figure: `${thousands(own.decision)} ns, ${times(own.decision / least)} of the smallest`,
        beside: [
          `${thousands(own.yesNo)} ns by hand: ${times(own.decision / own.yesNo)}`,
          ...(rules !== TOLD_RULES
            ? []
            : [
                `${thousands(own.traced)} ns by hand with the same trace: ${times(own.decision / own.traced)}`,
              ]),
        ].join('; '),
        aim: '<= 1.50x of the smallest; <= 5x of the closure',
      });
    // The compiler of the engine has seen it all once before anything counts.
    measure(100, 100);
    const recipients = RECIPIENTS.map((count) => ({ count, own: measure(count, TOLD_RULES) }));
    for (const { count, own } of recipients)
      line(`${thousands(count)} recipients`, TOLD_RULES, own, recipients[0]?.own.decision ?? 1);
    const rules = RULES.map((count) => ({ count, own: measure(100, count) }));
    for (const { count, own } of rules)
      line(`${thousands(count)} rules`, count, own, rules[0]?.own.decision ?? 1);
    return Promise.resolve(lines);
  },
};
