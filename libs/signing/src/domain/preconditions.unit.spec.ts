import {
  type EventData,
  PolicyDocument,
  type ReservationAnswer,
  findAsset,
  pickTier,
  quoteDigest,
} from '@countersign/contracts';
import { type Payment, nonceOf, tenantOf } from '@countersign/payment';
import {
  RULES_VERSION,
  type Candidates,
  compilePolicy,
  concludeDecision,
  planDecision,
} from '@countersign/policy';
import {
  LaneBench,
  NETWORK,
  OWNER,
  PAYEE,
  SELLER,
  SIGNATURE,
  USDC,
  WALLET,
} from '@countersign/testkit';
import { describe, expect, it } from 'vitest';
import {
  type Checked,
  type SigningCase,
  type SigningRefusal,
  authorizationFor,
  passesAfterMs,
  refusalToSign,
  walletKeyName,
} from './preconditions.ts';

type Made = EventData<'decision.made'>;
const WINDOW_MS = 3_600_000;
const ANYTHING = { amount: { atMost: '100.00' }, trust: 'any' };

function policyWith(tier: object): PolicyDocument {
  return PolicyDocument.parse({
    format: 1,
    name: 'test',
    unit: { name: 'USD', assets: [`${NETWORK}/erc20:${USDC}`] },
    authorization: { maxLifetimeSeconds: 60 },
    again: false,
    prohibited: [],
    tiers: [{ name: 'all', when: ANYTHING, ...tier }],
    budgets: [],
    flags: [],
  });
}
const autonomous = policyWith({ kind: 'autonomous' });
const dimes = policyWith({
  kind: 'autonomous',
  when: { amount: { atMost: '0.01' }, trust: 'any' },
});
const watched = policyWith({
  kind: 'supervised',
  vetoWindowSeconds: WINDOW_MS / 1000,
  notifyWithinSeconds: 600,
  clearanceSeconds: 3600,
});
const people = (quorum: number) =>
  policyWith({
    kind: 'collaborative',
    quorum,
    approvers: ['ada', 'bo', 'cy'],
    timeoutSeconds: 3600,
    clearanceSeconds: 3600,
  });

/** What empty counters answer. */
function answerOf(plan: Candidates, epoch: number): ReservationAnswer {
  const limits = [...plan.always, ...plan.tiers.flatMap((tier) => tier.limits)];
  const none = { committed: '0', open: '0', committedCount: 0, openCount: 0 };
  const readings = limits.map(({ id, scope }) => ({ limitId: id, scope, ...none }));
  const byId = new Map(readings.map((reading) => [reading.limitId, reading]));
  return { epoch, sequence: 1, atMs: 1, tier: pickTier(plan, byId, plan.amount), readings };
}

/** A lane whose payment is decided by real policies, and the case its signer would have before it. */
class Bench {
  readonly lane = new LaneBench();
  readonly #id: string;
  readonly #decisions = new Map<string, Checked<Made>>();
  readonly #documents = new Map<string, PolicyDocument>();
  readonly #grants: Checked<EventData<'approval.granted'>>[] = [];
  #document = autonomous;

  constructor() {
    const { tenant } = OWNER;
    const registered = { tenant, seller: SELLER, by: 'owner', signature: SIGNATURE };
    this.lane.change('seller.registered', registered);
    this.lane.mark(1);
    this.#id = this.lane.submit(2).payment!.id;
  }

  get payment(): Payment {
    return this.lane.payment(this.#id);
  }

  decide(document: PolicyDocument, proceed: Made['proceed'], atMs: number): this {
    this.#document = document;
    const { payment, lane } = this;
    const { policy, facts } = lane.decision(payment, { kind: 'none' }, 'authorize');
    const compiled = compilePolicy(document, policy!);
    const plan = planDecision(compiled, facts);
    const { epoch } = tenantOf(lane.lane.view, OWNER.tenant);
    const answer = plan.kind === 'candidates' ? answerOf(plan, epoch) : null;
    const verdict = concludeDecision(compiled, facts, plan, answer);
    const data: Made = {
      ...this.#about(),
      round: payment.round,
      through: lane.lane.through,
      decision: { policy, facts, answer, verdict, rules: RULES_VERSION },
      proceed,
      signature: SIGNATURE,
    };
    expect(lane.record('decision.made', data, atMs).applied).toBe(true);
    const { phase } = this.payment;
    const id = 'decision' in phase ? phase.decision.id : '';
    this.#decisions.set(id, { id, data, genuine: true });
    this.#documents.set(id, document);
    return this;
  }

  ask(document: PolicyDocument): this {
    this.decide(document, 'ask', 3);
    this.lane.record('approval.opened', { ...this.#about(), round: 0, signature: SIGNATURE }, 4);
    return this;
  }

  grant(...persons: string[]): this {
    const { phase, quote, resource } = this.payment;
    for (const person of persons) {
      const data = {
        ...this.#about(),
        person,
        quoteDigest: quoteDigest(quote, resource),
        decisionId: 'decision' in phase ? phase.decision.id : '',
        signature: SIGNATURE,
      };
      expect(this.lane.record('approval.granted', data, 5).applied).toBe(true);
      this.#grants.push({ id: person, data, genuine: true });
    }
    return this;
  }

  complete(atMs: number): this {
    const { quote, resource } = this.payment;
    this.lane.record('approval.completed', { ...this.#about(), round: 0 }, atMs);
    const fresh = { ...this.#about(), round: 1, quote, resource };
    expect(this.lane.record('payment.claimed', fresh, atMs + 1).applied).toBe(true);
    return this;
  }

  case(nowMs: number): SigningCase {
    const { phase } = this.payment;
    const decided = 'decision' in phase ? this.#decisions.get(phase.decision.id) : undefined;
    const completed = phase.status === 'authorized' ? phase.completed : null;
    const { active } = tenantOf(this.lane.lane.view, OWNER.tenant);
    return {
      payment: this.payment,
      decision: decided,
      asked: completed ? this.#decisions.get(completed.decisionId) : undefined,
      askedPolicy: completed ? this.#documents.get(completed.decisionId) : undefined,
      grants: this.#grants,
      policy: { hash: active!.hash, document: this.#document },
      facts: this.lane.decision(this.payment, { kind: 'none' }, 'authorize').facts,
      ceiling: { perPayment: 20_000n, perDay: 50_000n },
      countedToday: 30_000n,
      frozen: false,
      nowMs,
    };
  }

  #about() {
    return { ...OWNER, paymentId: this.#id };
  }
}

const allowed = () => new Bench().decide(autonomous, 'authorize', 3).case(4);
const granted = () =>
  new Bench()
    .ask(people(2))
    .grant('ada', 'bo')
    .complete(6)
    .decide(people(2), 'authorize', 8)
    .case(9);
const waited = () =>
  new Bench()
    .ask(watched)
    .complete(4 + WINDOW_MS)
    .decide(watched, 'authorize', WINDOW_MS + 6)
    .case(WINDOW_MS + 7);

const codeOf = (the: SigningCase) => refusalToSign(the)?.code;
const madeWith = (checked: Checked<Made> | undefined, change: Partial<Made>): Checked<Made> => ({
  ...checked!,
  data: { ...checked!.data, ...change },
});
const verdictWith = (the: SigningCase, change: Partial<Made['decision']['verdict']>) => {
  const { decision } = the.decision!.data;
  const verdict = { ...decision.verdict, ...change };
  return { ...the, decision: madeWith(the.decision, { decision: { ...decision, verdict } }) };
};
const quoteWith = (the: SigningCase, change: Partial<Payment['quote']>): SigningCase => ({
  ...the,
  payment: { ...the.payment, quote: { ...the.payment.quote, ...change } },
});

describe('what is signed', () => {
  it('is what policy allows by itself, up to the ceilings', () => {
    expect(refusalToSign(allowed())).toBeUndefined();
  });

  it('is what enough people granted', () => {
    expect(refusalToSign(granted())).toBeUndefined();
  });

  it('is what nobody vetoed while the window was open', () => {
    expect(refusalToSign(waited())).toBeUndefined();
  });
});

describe('a decision is not signed', () => {
  it.each<[string, string, (the: SigningCase) => SigningCase]>([
    ['while people are asked', 'not_authorized', () => new Bench().ask(people(2)).case(5)],
    ['while stopped', 'frozen', (the) => ({ ...the, frozen: true })],
    [
      'without a record',
      'decision_unverified',
      ({ decision: _, ...the }) => ({ ...the, decision: undefined }),
    ],
    [
      'without a genuine signature',
      'decision_unverified',
      (the) => ({ ...the, decision: { ...the.decision!, genuine: false } }),
    ],
    [
      'when another is in force',
      'decision_unverified',
      (the) => ({ ...the, decision: { ...the.decision!, id: '0'.repeat(64) } }),
    ],
    [
      'about another payment',
      'decision_unverified',
      (the) => ({
        ...the,
        decision: madeWith(the.decision, { paymentId: `pay_0_${'0'.repeat(32)}` }),
      }),
    ],
    [
      'of another round',
      'decision_unverified',
      (the) => ({ ...the, decision: madeWith(the.decision, { round: 1 }) }),
    ],
    ['where no policy is known', 'policy_not_in_force', (the) => ({ ...the, policy: null })],
    [
      'under another policy',
      'policy_not_in_force',
      (the) => ({ ...the, policy: { ...the.policy!, hash: '9'.repeat(64) } }),
    ],
    [
      'on facts that changed',
      'facts_changed',
      (the) => ({
        ...the,
        facts: { ...the.facts, established: { ...the.facts.established, trust: 'unknown' } },
      }),
    ],
    [
      'on another quote',
      'facts_changed',
      (the) => ({
        ...the,
        facts: { ...the.facts, quote: { ...the.facts.quote, amount: '20001' } },
      }),
    ],
    [
      'when its verdict was made milder',
      'decision_not_replayed',
      (the) => verdictWith(the, { maxLifetimeMs: 3_600_000 }),
    ],
    [
      'when its verdict was tampered with',
      'decision_not_replayed',
      () => verdictWith(granted(), { outcome: 'allow', requirement: { kind: 'none' } }),
    ],
    [
      'by rules of another version',
      'rules_differ',
      (the) => {
        const { decision } = the.decision!.data;
        return {
          ...the,
          decision: madeWith(the.decision, { decision: { ...decision, rules: RULES_VERSION - 1 } }),
        };
      },
    ],
    [
      'when the policy’s text gives another verdict',
      'decision_not_replayed',
      (the) => ({ ...the, policy: { ...the.policy!, document: dimes } }),
    ],
    ['when it denies', 'denied', () => new Bench().decide(dimes, 'authorize', 3).case(4)],
  ])('%s: %s', (_, code, broken) => {
    expect(codeOf(broken(allowed()))).toBe(code);
  });
});

describe('consent is not enough', () => {
  const grantsOf = (the: SigningCase, ...persons: string[]): SigningCase => ({
    ...the,
    grants: persons.map((person) => ({
      ...the.grants[0]!,
      data: { ...the.grants[0]!.data, person },
    })),
  });
  const eachGrant = (the: SigningCase, change: Partial<EventData<'approval.granted'>>) => ({
    ...the,
    grants: the.grants.map((grant) => ({ ...grant, data: { ...grant.data, ...change } })),
  });

  it.each<[string, string, (the: SigningCase) => SigningCase]>([
    [
      'where nobody was asked',
      'approval_missing',
      () => new Bench().decide(people(2), 'authorize', 3).case(4),
    ],
    [
      'where what was asked is not known',
      'approval_unverified',
      (the) => ({ ...the, asked: undefined }),
    ],
    [
      'where what was asked is not genuine',
      'approval_unverified',
      (the) => ({ ...the, asked: { ...the.asked!, genuine: false } }),
    ],
    [
      'where another decision asked',
      'approval_unverified',
      (the) => ({ ...the, asked: { ...the.asked!, id: the.decision!.id } }),
    ],
    [
      'asked for under a policy the signer never went by',
      'approval_unverified',
      (the) => ({ ...the, askedPolicy: undefined }),
    ],
    [
      'where less was asked than the policy says',
      'approval_unverified',
      (the) => ({ ...the, askedPolicy: people(1) }),
    ],
    [
      'of one person anybody named, in place of a veto window',
      'approval_unverified',
      () => {
        const bench = new Bench().ask(people(1)).grant('ada').complete(6);
        bench.lane.putPolicy('watched');
        bench.lane.mark(8);
        return { ...bench.decide(watched, 'authorize', 9).case(10), askedPolicy: watched };
      },
    ],
    ['to other terms', 'terms_changed', (the) => quoteWith(the, { amount: '19999' })],
    ['to another payee', 'terms_changed', (the) => quoteWith(the, { payTo: WALLET })],
    ['of one person of two', 'approval_missing', (the) => grantsOf(the, 'ada')],
    ['of one person twice', 'approval_missing', (the) => grantsOf(the, 'ada', 'ada')],
    ['of people the log does not count', 'approval_missing', (the) => grantsOf(the, 'ada', 'cy')],
    [
      'without genuine signatures',
      'approval_missing',
      (the) => ({ ...the, grants: the.grants.map((grant) => ({ ...grant, genuine: false })) }),
    ],
    [
      'to another payment',
      'approval_missing',
      (the) => eachGrant(the, { paymentId: `pay_0_${'0'.repeat(32)}` }),
    ],
    [
      'to another quote',
      'approval_missing',
      (the) => eachGrant(the, { quoteDigest: '0'.repeat(64) }),
    ],
    [
      'to another question',
      'approval_missing',
      (the) => eachGrant(the, { decisionId: '0'.repeat(64) }),
    ],
  ])('%s: %s', (_, code, broken) => {
    expect(codeOf(broken(granted()))).toBe(code);
  });

  it('where the policy in force by now asks for more people', () => {
    const bench = new Bench().ask(people(1)).grant('ada').complete(6);
    bench.lane.putPolicy('two');
    bench.lane.mark(8);
    expect(codeOf(bench.decide(people(2), 'authorize', 9).case(10))).toBe('approval_missing');
  });

  it('while the veto window is open by the signer’s own clock', () => {
    const the = waited();
    expect(codeOf({ ...the, nowMs: 4 + WINDOW_MS - 1 })).toBe('veto_window_open');
    expect(codeOf({ ...the, nowMs: 4 + WINDOW_MS })).toBeUndefined();
  });

  it('where the veto window was never opened', () => {
    const the = waited();
    const { phase } = the.payment;
    if (phase.status !== 'authorized') throw new Error('not authorized');
    const unopened = { ...phase, completed: { ...phase.completed!, openedAtMs: null } };
    expect(codeOf({ ...the, payment: { ...the.payment, phase: unopened } })).toBe(
      'veto_window_open',
    );
  });
});

describe('an authorization is not signed', () => {
  it.each<[string, string, (the: SigningCase) => SigningCase]>([
    ['in another scheme', 'scheme_not_supported', (the) => quoteWith(the, { scheme: 'upto' })],
    ['over a token nobody knows', 'asset_unknown', (the) => quoteWith(the, { asset: PAYEE })],
    ['without a ceiling', 'no_ceiling', (the) => ({ ...the, ceiling: undefined })],
    [
      'over the ceiling of a payment',
      'over_ceiling',
      (the) => ({ ...the, ceiling: { perPayment: 19_999n, perDay: 50_000n } }),
    ],
    ['over the ceiling of a day', 'over_ceiling', (the) => ({ ...the, countedToday: 30_001n })],
  ])('%s: %s', (_, code, broken) => {
    expect(codeOf(broken(allowed()))).toBe(code);
  });
});

describe('the authorization', () => {
  const head = { timeMs: 1_790_000_000_999 };
  const of = (change: Partial<Payment['quote']> = {}, maxLifetimeMs = 60_000) =>
    authorizationFor(
      quoteWith(allowed(), change).payment,
      { address: WALLET },
      head,
      maxLifetimeMs,
    );

  it('is exactly the quote, from the wallet', () => {
    const { payment } = allowed();
    expect(findAsset(NETWORK, of().token)).toBeDefined();
    expect(of()).toEqual({
      chainId: 84532,
      token: USDC,
      from: WALLET,
      to: PAYEE,
      value: '20000',
      nonce: nonceOf(OWNER.tenant, payment.id),
      validAfter: 0,
      validBefore: 1_790_000_060,
    });
  });

  it('ends by chain time, and the seller’s time-out can only shorten it', () => {
    expect(of({ maxTimeoutSeconds: 10 }).validBefore).toBe(1_790_000_010);
    expect(of({ maxTimeoutSeconds: 86_400 }).validBefore).toBe(1_790_000_060);
    expect(of({}, 30_999).validBefore).toBe(1_790_000_030);
  });

  it('has one nonce for a payment whatever its terms, and another for another payment', () => {
    expect(of({ amount: '1', payTo: WALLET }).nonce).toBe(of().nonce);
    const other = { ...allowed().payment, id: `pay_0_${'0'.repeat(32)}` };
    expect(authorizationFor(other, { address: WALLET }, head, 60_000).nonce).not.toBe(of().nonce);
    const elsewhere = { ...allowed().payment, tenant: 'other' };
    const { nonce } = authorizationFor(elsewhere, { address: WALLET }, head, 60_000);
    expect(nonce).not.toBe(of().nonce);
  });
});

describe('a refusal', () => {
  it('passes where time or another version can lift it, and not for ever', () => {
    const again = (code: SigningRefusal['code'], ageMs: number) =>
      passesAfterMs({ code, why: '' }, ageMs);
    expect(again('veto_window_open', 86_400_000)).toBe(100);
    expect(again('rules_differ', 599_999)).toBe(1_000);
    expect(again('rules_differ', 600_000)).toBeUndefined();
    expect(again('frozen', 0)).toBeUndefined();
  });
});

describe('the name of a wallet’s key', () => {
  it('differs between tenants and wallets, and is always the same', () => {
    const names = [
      walletKeyName('a', 'w1'),
      walletKeyName('b', 'w1'),
      walletKeyName('a', 'w2'),
      walletKeyName('a', `${'w'.repeat(40)}1`),
      walletKeyName('a', `${'w'.repeat(40)}2`),
    ];
    expect(new Set(names).size).toBe(names.length);
    expect(walletKeyName('a', 'w1')).toBe(names[0]);
  });
});
