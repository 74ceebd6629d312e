import { Facts, Limit, type PolicyDocument, Verdict } from '@countersign/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CompiledPolicy, compilePolicy } from './compile.ts';
import { concludeDecision, decide } from './conclude.ts';
import { planDecision } from './plan.ts';
import { DECISION_REASONS } from './reasons.ts';
import { replayDecision } from './replay.ts';
import { asStrictAs } from './strictness.ts';
import { IDENTITY, compareMany, compiledFrom, differenceOn } from './testing/compare.ts';
import { type Dice, chance, listedDice, pick, seededDice, times } from './testing/dice.ts';
import {
  AMOUNTS,
  type Counters,
  answerFrom,
  answerOf,
  assertedFrom,
  countersFrom,
  factsFrom,
  policyFrom,
} from './testing/worlds.ts';

/** A case is a list of choices, so that a failing one shrinks to its least. */
const choices = fc.array(fc.nat(0xffff), { maxLength: 1200, size: 'max' }).map(listedDice);

function forAll(runs: number, holds: (dice: Dice) => void): void {
  fc.assert(fc.property(choices, holds), { numRuns: runs });
}

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

  it('does so in twenty thousand cases of one seed', () => {
    expect(compareMany(20_261_121, 20_000)?.what).toBeUndefined();
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
        if (plan.kind === 'candidates')
          [...plan.always, ...plan.tiers.flatMap((it) => it.limits)].forEach((it) =>
            Limit.parse(it),
          );
        verdict.reasons.forEach((reason) => seen.add(reason));
        const replay = replayDecision(document, { policy: IDENTITY, facts, answer, verdict });
        expect(replay).toEqual({ agrees: true, verdict });
      }
    }
    seen.add(decide(null, factsFrom(dice), null).reasons[0] ?? '');
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
      const recorded = { policy: IDENTITY, facts, answer, verdict: { ...verdict, ...lie } };
      expect(replayDecision(document, recorded).agrees).toBe(false);
    });
  });
});

describe('an agent', () => {
  it('never gets a less strict outcome by what it asserts', () => {
    forAll(1500, (dice) => {
      const policy = compilePolicy(policyFrom(dice), IDENTITY, chance(dice, 2) ? 0 : Infinity);
      const counters = countersFrom(dice);
      for (let payment = 0; payment < 8; payment += 1) {
        const silent = { ...factsFrom(dice), asserted: {} };
        const asserting = { ...silent, asserted: assertedFrom(dice) };
        const [one, other] = [asserting, silent].map((it) => decideWith(policy, it, counters));
        expect(one && other && noLessStrict(one, other)).toBe(true);
        expect(one?.flags).toEqual(expect.arrayContaining(other?.flags ?? []));
      }
    });
  });

  it('never gets a less strict outcome by naming no task, or one that nobody opened', () => {
    forAll(1000, (dice) => {
      const policy = compilePolicy(policyFrom(dice), IDENTITY, 0);
      const counters = countersFrom(dice);
      for (let payment = 0; payment < 8; payment += 1) {
        const facts = factsFrom(dice);
        const task = pick(dice, ['none', 'unknown']);
        const open = decideWith(policy, established(facts, { task: 'task-0' }), counters);
        const without = decideWith(policy, established(facts, { task }), counters);
        expect(noLessStrict(without, open)).toBe(true);
      }
    });
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
    forAll(1000, (dice) => {
      const policy = compilePolicy(policyFrom(dice), IDENTITY, 0);
      const counters = countersFrom(dice);
      for (let payment = 0; payment < 8; payment += 1) {
        const spellings = [pick(dice, routes), pick(dice, domains)] as const;
        const [[route = ''], [domain = '']] = spellings;
        const facts = established(factsFrom(dice), { route, domain });
        const respelled = established(facts, {
          route: pick(dice, spellings[0]),
          domain: pick(dice, spellings[1]),
        });
        const [one, other] = [respelled, facts].map((it) => decideWith(policy, it, counters));
        expect(one && other && noLessStrict(one, other)).toBe(true);
      }
    });
  });
});

describe('a larger amount', () => {
  /** Leaves out what is meant to favour larger amounts: tiers over an amount, prohibitions up to one or of a price. */
  function withoutFloors(document: PolicyDocument): PolicyDocument {
    return {
      ...document,
      tiers: document.tiers.map(({ when, ...tier }) => ({
        ...tier,
        when: {
          networks: ['eip155:84532'],
          ...when,
          ...(when.amount && { amount: { atMost: when.amount.atMost ?? '1' } }),
        },
      })),
      prohibited: document.prohibited.map(({ when, ...rule }) => ({
        ...rule,
        when: {
          sellers: ['nobody'],
          ...when,
          amount: { over: when.amount?.over ?? '1' },
          priceWithinPercent: undefined,
        },
      })),
    };
  }

  it('is never let through where a smaller one was denied', () => {
    forAll(1500, (dice) => {
      const policy = compilePolicy(withoutFloors(policyFrom(dice)), IDENTITY, 0);
      const counters = countersFrom(dice);
      for (let payment = 0; payment < 8; payment += 1) {
        const facts = {
          ...established(factsFrom(dice), { task: 'task-0' }),
          asserted: {},
          kind: 'payment' as const,
        };
        const amounts = times(2, () => pick(dice, AMOUNTS)).sort((a, b) => Number(a) - Number(b));
        const [small, large] = amounts.map((amount) =>
          decideWith(policy, { ...facts, quote: { ...facts.quote, amount } }, counters),
        );
        if (small?.outcome === 'deny') expect(large?.outcome).toBe('deny');
      }
    });
  });
});
