import {
  type Budget,
  Decision,
  Facts,
  Limit,
  type PolicyDocument,
  type Tier,
  Verdict,
} from '@countersign/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CompiledPolicy, compilePolicy } from './compile.ts';
import { concludeDecision, decide, tellAvailable } from './conclude.ts';
import { planDecision } from './plan.ts';
import { DECISION_REASONS } from './reasons.ts';
import { replayDecision } from './replay.ts';
import { asStrictAs } from './strictness.ts';
import { RULES_VERSION } from './version.ts';
import {
  IDENTITY,
  PAYMENTS_EACH,
  compareSeed,
  compiledFrom,
  differenceOn,
} from './testing/compare.ts';
import { type Dice, chance, listedDice, pick, seededDice, times } from './testing/dice.ts';
import {
  AMOUNTS,
  type Counters,
  answerFrom,
  answerOf,
  assertedFrom,
  countersFrom,
  SEPOLIA,
  factsFrom,
  openPolicyFrom,
  plainFactsFrom,
  policyFrom,
  readingsFrom,
} from './testing/worlds.ts';

/** A case is a list of choices, so that a failing one shrinks to its least. */
const choices = fc.array(fc.nat(0xffff), { maxLength: 1200, size: 'max' });

function forAll(runs: number, holds: (dice: Dice) => void): void {
  fc.assert(
    fc.property(choices, (chosen) => holds(listedDice(chosen))),
    // Shrinking takes a minute: for that, run the seed and path that are printed without `endOnFailure`.
    { numRuns: runs, endOnFailure: true },
  );
}

const DECIDED = { policy: IDENTITY, rules: RULES_VERSION };
const BUDGET: Budget = { id: 'b', scope: 'agent', window: { kind: 'lifetime' }, atMostCount: 1 };
const ANYTHING: Tier = { name: 'anything', kind: 'autonomous', when: { trust: 'unknown' } };

/** No more than a session without a ceiling of its own. */
const UNLIMITED = '9007199254740991';
const RANK = { allow: 0, review: 1, deny: 2 };

/** Whether nothing that `other` asks of people is spared by `one`. */
function noLessStrict(one: Verdict, other: Verdict): boolean {
  const more = RANK[one.outcome] - RANK[other.outcome];
  return more > 0 || (more === 0 && asStrictAs(one.requirement, other.requirement));
}

function decideWith(policy: CompiledPolicy, facts: Facts, counters: Counters): Verdict {
  const plan = planDecision(policy, facts);
  return concludeDecision(policy, facts, plan, answerOf(plan, counters));
}

function withoutTerms(facts: Facts): Facts {
  const { taskTerms: _, ...rest } = facts.established;
  return { ...facts, established: rest };
}

function established(facts: Facts, change: Partial<Facts['established']>): Facts {
  return { ...facts, established: { ...facts.established, ...change } };
}

describe('the compiled policy', () => {
  it('decides as the plain rules do, with its index and without', () => {
    forAll(600, (dice) => {
      const compiled = compiledFrom(dice);
      for (let payment = 0; payment < 10; payment += 1)
        expect(differenceOn(compiled, dice)?.what).toBeUndefined();
    });
  });

  it('does so in twenty thousand cases of known seeds', () => {
    const seeds = times(20_000 / PAYMENTS_EACH, (index) => 20_261_121 + index);
    for (const seed of seeds) expect(compareSeed(seed)?.what).toBeUndefined();
  });

  it('tells each payment as it would if it had never seen another', () => {
    const dice = seededDice(11);
    for (let policy = 0; policy < 60; policy += 1) {
      const { document, indexed } = compiledFrom(dice);
      for (let payment = 0; payment < 30; payment += 1) {
        const facts = chance(dice, 2) ? plainFactsFrom(dice) : factsFrom(dice);
        const plan = planDecision(indexed, facts);
        const answer = plan.kind === 'candidates' ? answerFrom(dice, plan) : null;
        const verdict = decide(compilePolicy(document, IDENTITY, 0), facts, answer);
        expect(concludeDecision(indexed, facts, plan, answer)).toEqual(verdict);
      }
    }
  });
});

describe('every verdict', () => {
  it('follows its schema, gives known reasons, and replays to itself', () => {
    const dice = seededDice(5);
    const seen = new Set<string>();
    for (let policy = 0; policy < 150; policy += 1) {
      const { document, listed } = compiledFrom(dice);
      for (let payment = 0; payment < 30; payment += 1) {
        const facts = Facts.parse(factsFrom(dice));
        const plan = planDecision(listed, facts);
        const answer = plan.kind === 'candidates' ? answerFrom(dice, plan) : null;
        const verdict = decide(compilePolicy(document, IDENTITY), facts, answer);
        Verdict.parse(verdict);
        const limits =
          plan.kind === 'candidates'
            ? [...plan.always, ...plan.tiers.flatMap((it) => it.limits)]
            : (plan.limits ?? []);
        limits.forEach((it) => Limit.parse(it));
        verdict.reasons.forEach((reason) => seen.add(reason));
        const recorded = { ...DECIDED, facts, answer, verdict };
        expect(replayDecision(document, recorded)).toEqual({ agrees: true, verdict });
        const denied = planDecision(compilePolicy(document, IDENTITY), facts);
        if (denied.kind === 'candidates' || !denied.limits) continue;
        const readings = readingsFrom(dice, limits);
        const told = Decision.parse({
          ...recorded,
          readings,
          verdict: tellAvailable(denied, readings)?.verdict,
        });
        expect(replayDecision(document, told)).toEqual({ agrees: true, verdict: told.verdict });
        expect({ ...told.verdict, available: undefined }).toEqual(verdict);
      }
    }
    const budgets = times(251, (index) => ({ ...BUDGET, id: `b${index}` }));
    const crowded = compilePolicy(
      { ...openPolicyFrom(dice), tiers: [ANYTHING], budgets },
      IDENTITY,
    );
    for (const policy of [null, crowded])
      seen.add(decide(policy, withoutTerms(plainFactsFrom(dice)), null).reasons[0] ?? '');
    expect([...seen].sort()).toEqual(Object.keys(DECISION_REASONS).sort());
  });

  it('that was recorded otherwise does not replay', () => {
    forAll(300, (dice) => {
      const document = policyFrom(dice);
      const facts = factsFrom(dice);
      const plan = planDecision(compilePolicy(document, IDENTITY), facts);
      const answer = plan.kind === 'candidates' ? answerFrom(dice, plan) : null;
      const verdict = decide(compilePolicy(document, IDENTITY), facts, answer);
      const lie = pick<Partial<Verdict>>(dice, [
        { outcome: verdict.outcome === 'allow' ? 'review' : 'allow' },
        { tier: 'another' },
        { amountUnits: `1${verdict.amountUnits}` },
        { maxLifetimeMs: verdict.maxLifetimeMs + 1 },
        { flags: [...verdict.flags, 'more'] },
        { reasons: ['within_policy', 'frozen', 'no_tier'] },
        { trace: [] },
        { alternative: 'another \ud800' },
      ]);
      const recorded = { ...DECIDED, facts, answer, verdict: { ...verdict, ...lie } };
      expect(replayDecision(document, recorded).agrees).toBe(false);
    });
  });
});

describe('an agent', () => {
  /** Two ways to propose one payment, and the verdicts on both with the same counters. */
  function forBoth(change: (facts: Facts, dice: Dice) => [silent: Facts, spoken: Facts]): void {
    forAll(800, (dice) => {
      const document = chance(dice, 4) ? policyFrom(dice) : openPolicyFrom(dice);
      const policy = compilePolicy(document, IDENTITY, chance(dice, 2) ? 0 : Infinity);
      const counters = countersFrom(dice);
      for (let payment = 0; payment < 8; payment += 1) {
        const [silent, spoken] = change(plainFactsFrom(dice), dice);
        const [asIs, verdict] = [silent, spoken].map((it) => decideWith(policy, it, counters));
        expect(asIs && verdict && noLessStrict(verdict, asIs)).toBe(true);
        // A denial before the flags are raised is no escape from them.
        if (verdict?.trace.length !== 1)
          expect(verdict?.flags).toEqual(expect.arrayContaining(asIs?.flags ?? []));
      }
    });
  }

  it('never gets a less strict outcome by what it asserts', () => {
    forBoth((facts, dice) => [
      { ...facts, asserted: {} },
      { ...facts, asserted: assertedFrom(dice) },
    ]);
  });

  it('never gets a less strict outcome by naming no task, or one that nobody opened', () => {
    forBoth((facts, dice) => {
      // What a task is allowed limits what is paid in its name; the rules must not be milder without one.
      const taskTerms = {
        phase: pick(dice, ['planned', 'executing'] as const),
        planCommitted: chance(dice, 2),
        reported: '0',
      };
      const { taskTerms: _, ...bare } = facts.established;
      return [
        established(facts, { task: pick(dice, ['task-0', 'task-1']), taskTerms }),
        { ...facts, established: { ...bare, task: pick(dice, ['none', 'unknown']) } },
      ];
    });
  });

  it('never gets a less strict outcome by naming no session, or one that is not open', () => {
    forBoth((facts, dice) => [
      established(facts, {
        session: pick(dice, ['run-0', 'run-1']),
        sessionCeiling: UNLIMITED,
        sessionUnit: 'USD',
      }),
      established(facts, { session: pick(dice, ['none', 'unknown', 'expired', 'closed']) }),
    ]);
  });

  it('never gets a less strict outcome by how it spells a URL', () => {
    const routes = [
      ['/a', '/%61', '/A', '//a', '/./a', '/x/..%2fa', '/%2561', '/a;v=1', '\\a'],
      ['/a/b', '/a/%62', '/a//b', '/a/x/%2e%2e/b', '/A/b/'],
      ['/z', '/%7a', '/a/../z', '/a/..%2fz', '/a%2f..%2fz', '/a/%252e%252e/z'],
    ];
    const domains = [
      ['d0.example', 'd0.example.', 'D0.example', 'd0.example..'],
      ['d1.example:8443', 'd1.example.:8443'],
    ];
    forBoth((facts, dice) => {
      const [byRoute, byDomain] = [pick(dice, routes), pick(dice, domains)];
      const plain = established(facts, { route: byRoute[0] ?? '', domain: byDomain[0] ?? '' });
      const spelled = { route: pick(dice, byRoute), domain: pick(dice, byDomain) };
      return [plain, established(plain, spelled)];
    });
  });
});

describe('a larger amount', () => {
  /**
   * Leaves out what is meant to favour larger amounts: tiers over an amount, prohibitions up to one or of a price, and
   * whatever tells streams apart.
   */
  function withoutFloors(document: PolicyDocument): PolicyDocument {
    const withoutStreams = (budgets: readonly Budget[] = []) =>
      budgets.filter(({ scope }) => scope !== 'stream');
    return {
      ...document,
      budgets: withoutStreams(document.budgets),
      tiers: document.tiers.map((tier) => {
        const { amount, stream: _, ...when } = { networks: [SEPOLIA], ...tier.when };
        return {
          ...tier,
          budgets: withoutStreams(tier.budgets),
          when: { ...when, ...(amount && { amount: { atMost: amount.atMost ?? '1' } }) },
        };
      }),
      prohibited: document.prohibited.map((rule) => {
        const {
          amount,
          priceWithinPercent,
          stream: _,
          ...when
        } = { sellers: ['nobody'], ...rule.when };
        return {
          ...rule,
          when: { ...when, ...(amount?.over && { amount: { over: amount.over } }) },
        };
      }),
    };
  }

  it('is never let through where a smaller one was denied', () => {
    forAll(800, (dice) => {
      const document = chance(dice, 3) ? policyFrom(dice) : openPolicyFrom(dice);
      const policy = compilePolicy(withoutFloors(document), IDENTITY, 0);
      const counters = countersFrom(dice);
      for (let payment = 0; payment < 8; payment += 1) {
        const silent = { ...plainFactsFrom(dice), asserted: {} };
        const facts = established(silent, { task: 'task-0', session: 'run-0' });
        const amounts = times(2, () => pick(dice, AMOUNTS)).sort((a, b) => Number(a) - Number(b));
        const [small, large] = amounts.map((amount) =>
          decideWith(policy, { ...facts, quote: { ...facts.quote, amount } }, counters),
        );
        if (small?.outcome === 'deny') expect(large?.outcome).toBe('deny');
      }
    });
  });
});
