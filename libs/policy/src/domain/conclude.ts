import {
  type Facts,
  type Limit,
  type Reading,
  type ReservationAnswer,
  type TraceLine,
  type Verdict,
  pickTier,
} from '@countersign/contracts';
import type { CompiledPolicy } from './compile.ts';
import { line } from './explain.ts';
import { type Candidates, type Denied, type Plan, planDecision } from './plan.ts';
import {
  type Measured,
  availableAfter,
  measure,
  readingsOf,
  refusalsOf,
  tellReadings,
} from './readings.ts';
import type { DecisionReason } from './reasons.ts';
import { deny, take, withdraw } from './verdict.ts';
import { RULES_VERSION } from './version.ts';

/** Plan and conclusion in one step, for whoever has the answer already. */
export function decide(
  policy: CompiledPolicy | null,
  facts: Facts,
  answer: ReservationAnswer | null,
): Verdict {
  return concludeDecision(policy, facts, planDecision(policy, facts), answer);
}

/**
 * The verdict that follows from a plan and the counters. The store's choice of tier is not taken on trust: it is made
 * again from the readings, and where the two differ the answer is no.
 *
 * @param answer null where the plan was a denial; a plan with candidates and no answer is denied.
 */
export function concludeDecision(
  policy: CompiledPolicy | null,
  facts: Facts,
  plan: Plan,
  answer: ReservationAnswer | null,
): Verdict {
  if (plan.kind === 'denied') return plan.verdict;
  const { found } = plan;
  if (!policy) return refused(policy, found, 'no_policy', 'no policy is active');
  if (!answer) return refused(policy, found, 'counters_missing', 'the counters were not asked');
  const readings = readingsOf(plan, answer);
  const name = pickTier(plan, readings, plan.amount);
  if (name !== answer.tier) {
    const why = `the readings give ${name ?? 'no tier'}, the budget store gave ${answer.tier ?? 'none'}`;
    return refused(policy, found, 'counters_inconsistent', why);
  }
  const trace = [...found.trace];
  if (facts.kind === 'withdrawal') return withdraw(policy, found.units, trace);
  const settled = settle({ policy, plan, name, readings, trace });
  return (
    settled ?? refused(policy, found, 'counters_missing', 'a limit stands without its reading')
  );
}

/**
 * The same denial, and what its limits leave.
 *
 * @param rules by which it was planned.
 * @returns undefined where the readings are not one for each of its limits, in their order, and where its rules tell none.
 */
export function tellAvailable(
  plan: Denied,
  readings: readonly Reading[],
  rules: number = RULES_VERSION,
): Denied | undefined {
  const { limits, holdings, verdict } = plan;
  if (readings.length !== limits?.length) return undefined;
  const isOf = ({ id, scope }: Limit, reading?: Reading) =>
    reading?.limitId === id && reading.scope === scope;
  if (!limits.every((limit, index) => isOf(limit, readings[index]))) return undefined;
  const byId = new Map(readings.map((reading) => [reading.limitId, reading]));
  const available = availableAfter(measure(holdings, byId, null), 0n, rules);
  return available && { ...plan, verdict: { ...verdict, available } };
}

function refused(
  policy: CompiledPolicy | null,
  { units, flags, trace }: Candidates['found'],
  reason: DecisionReason,
  why: string,
): Verdict {
  return deny(policy, {
    reasons: [reason],
    units,
    flags,
    trace: [...trace, line(reason, true, why)],
  });
}

/**
 * The tier that the counters chose, or the denial that says which of them refused. Undefined where a limit decides that
 * has no reading: neither the next tier nor a reason may rest on a reading that was left out.
 */
function settle(the: {
  readonly policy: CompiledPolicy;
  readonly plan: Candidates;
  readonly name: string | null;
  readonly readings: ReadonlyMap<string, Reading>;
  readonly trace: TraceLine[];
}): Verdict | undefined {
  const { policy, plan, name, readings, trace } = the;
  const { units, unitsText, amountText, flags, always, tiers, unnamed, rules } = plan.found;
  // Where a tier was chosen, what limits the payment whatever the tier is known to hold.
  const measured = measure(always, readings, name === null ? units : null);
  const refused = measured.filter(({ holds }) => !holds);
  if (refused.length > 0) {
    // Where a limit refuses whatever the tier, the tiers were not asked.
    tellReadings(trace, measured, amountText);
    const reasons = refused.flatMap((it) => refusalsOf(it, units));
    return denyFor(policy, reasons, {
      units,
      flags,
      trace,
      alternative: alternativeOf(refused),
      available: availableAfter(measured, 0n, rules),
    });
  }
  if (measured.length < always.length) return undefined;
  const reasons: DecisionReason[] = [];
  let alternative: string | undefined;
  for (const { tier, holdings } of tiers) {
    const chosen = tier.name === name;
    const ofTier = measure(holdings, readings, chosen ? null : units);
    if (chosen) {
      const all = [...measured, ...ofTier];
      tellReadings(trace, all, amountText);
      return take(policy, tier, {
        unitsText,
        flags,
        trace: tier.audit?.depth === 'decisive' ? trace.filter(({ met }) => met) : trace,
        available: availableAfter(all, units, rules),
        passedOver: withName(reasons, unnamed),
      });
    }
    const missed = ofTier.filter(({ holds }) => !holds);
    if (missed.length === 0) return undefined;
    measured.push(...missed);
    reasons.push(...missed.flatMap((it) => refusalsOf(it, units)));
    alternative ??= alternativeOf(missed) ?? tier.alternative;
  }
  tellReadings(trace, measured, amountText);
  return denyFor(policy, withName(reasons, unnamed), {
    units,
    flags,
    trace,
    alternative,
    available: availableAfter(measured, 0n, rules),
  });
}

function denyFor(
  policy: CompiledPolicy,
  reasons: readonly DecisionReason[],
  denial: Omit<Parameters<typeof deny>[1], 'reasons'>,
): Verdict {
  const [first = 'counters_missing', ...rest] = reasons;
  return deny(policy, { ...denial, reasons: [first, ...rest] });
}

function withName(
  reasons: readonly DecisionReason[],
  unnamed: DecisionReason | undefined,
): readonly DecisionReason[] {
  return unnamed ? [...reasons, unnamed] : reasons;
}

function alternativeOf(refused: readonly Measured[]): string | undefined {
  return refused.find(({ holding }) => holding.source.alternative !== undefined)?.holding.source
    .alternative;
}
