import type {
  Facts,
  PolicyDocument,
  Reading,
  ReservationAnswer,
  Verdict,
} from '@countersign/contracts';
import { canonicalText } from '@countersign/kernel';
import { type CompiledPolicy, compilePolicy } from '../compile.ts';
import { concludeDecision, tellAvailable } from '../conclude.ts';
import { type Plan, planDecision } from '../plan.ts';
import { type Dice, chance, seededDice } from './dice.ts';
import { naivePlan, naiveTold } from './naive-plan.ts';
import { naiveVerdict } from './naive.ts';
import {
  answerFrom,
  factsFrom,
  openPolicyFrom,
  plainFactsFrom,
  policyFrom,
  readingsFrom,
} from './worlds.ts';

export const IDENTITY = { version: 1, hash: '1'.repeat(64) };

/** One case on which the engine and the plain rules differ. */
export interface Difference {
  readonly what: string;
  readonly document: PolicyDocument;
  readonly facts: Facts;
  readonly answer: ReservationAnswer | null;
  /** What a denial by no counter was told. */
  readonly readings: readonly Reading[];
}

/** A policy twice compiled, so that every rule is reached by the index as well as without it. */
export interface Compiled {
  readonly document: PolicyDocument;
  readonly indexed: CompiledPolicy;
  readonly listed: CompiledPolicy;
}

export function compiledFrom(dice: Dice): Compiled {
  const document = chance(dice, 2) ? openPolicyFrom(dice) : policyFrom(dice);
  return {
    document,
    indexed: compilePolicy(document, IDENTITY, 0),
    listed: compilePolicy(document, IDENTITY, Infinity),
  };
}

/** Decides one generated payment three times over. */
export function differenceOn(
  { document, indexed, listed }: Compiled,
  dice: Dice,
): Difference | undefined {
  const facts = chance(dice, 2) ? plainFactsFrom(dice) : factsFrom(dice);
  const plan = planDecision(indexed, facts);
  const answer = plan.kind === 'candidates' ? answerFrom(dice, plan) : null;
  const readings = plan.kind === 'denied' ? readingsFrom(dice, plan.limits ?? []) : [];
  const told = (it: Plan) => (it.kind === 'denied' && tellAvailable(it, readings)) || it;
  const verdict = concludeDecision(indexed, facts, told(plan), answer);
  const unindexed = concludeDecision(listed, facts, told(planDecision(listed, facts)), answer);
  const plain = naiveVerdict(document, facts, answer, readings);
  const what = [
    ...difference('plan', limitsOf(plan), naiveLimitsOf(document, facts)),
    ...difference('verdict', withoutTrace(verdict), plain),
    ...difference('without index', withoutTrace(unindexed), plain),
  ].join('\n');
  return what === '' ? undefined : { what, document, facts, answer, readings };
}

/** How many payments are decided under each generated policy. */
export const PAYMENTS_EACH = 50;

/**
 * Decides {@link PAYMENTS_EACH} generated payments under the one policy of a seed.
 *
 * @returns the first difference, and which payment it is from 1 on.
 */
export function compareSeed(seed: number): (Difference & { payment: number }) | undefined {
  const dice = seededDice(seed);
  const compiled = compiledFrom(dice);
  for (let payment = 1; payment <= PAYMENTS_EACH; payment += 1) {
    const found = differenceOn(compiled, dice);
    if (found) return { ...found, payment };
  }
  return undefined;
}

function difference(
  what: string,
  one: Parameters<typeof canonicalText>[0],
  other: Parameters<typeof canonicalText>[0],
): string[] {
  const [engine, plain] = [canonicalText(one), canonicalText(other)];
  return engine === plain ? [] : [`${what}:\n  engine ${engine}\n  plain  ${plain}`];
}

function withoutTrace({ trace, ...verdict }: Verdict): Omit<Verdict, 'trace'> {
  return verdict;
}

function limitsOf(plan: Plan) {
  if (plan.kind === 'denied') return plan.limits && [...plan.limits];
  const tiers = plan.tiers.flatMap(({ name, limits }) =>
    name === 'treasury' ? [] : [{ name, limits }],
  );
  const { amount, scopes, always } = plan;
  return { amount: amount.toString(), scopes, always, tiers };
}

function naiveLimitsOf(document: PolicyDocument, facts: Facts) {
  const plan = naivePlan(document, facts);
  if (!plan) return naiveTold(document, facts) ?? null;
  const tiers = plan.tiers.map(({ tier, limits }) => ({ name: tier.name, limits }));
  return { amount: plan.amount.toString(), scopes: plan.scopes, always: plan.always, tiers };
}
