import type { Facts, Limit, TraceLine, Verdict } from '@countersign/contracts';
import { scopesOf, tierScopeOf } from '@countersign/payment';
import { alwaysHoldings, toldHoldings } from './always.ts';
import type { Holding } from './budgets.ts';
import type { CompiledPolicy, CompiledTier } from './compile.ts';
import { line } from './explain.ts';
import type { DecisionReason } from './reasons.ts';
import { type Missing, missingName } from './missing-name.ts';
import { matchTiers } from './rules.ts';
import { checkSession } from './session-check.ts';
import { type Failed, checkPayment, checkWithdrawal } from './standing.ts';
import { type Subject, limitedOf, subjectOf } from './subject.ts';
import { TREASURY_TIER, deny } from './verdict.ts';
import { AVAILABLE_MAX, READINGS_MAX, RULES_VERSION } from './version.ts';

/** A tier that may take the payment if its limits hold, in the shape in which the budget store is asked. */
export interface TierPlan {
  readonly name: string;
  readonly scope: string;
  readonly limits: readonly Limit[];
}

/** What the budget store is asked, and what was found before it. */
export interface Candidates {
  readonly kind: 'candidates';
  /** In 10^-6 of the unit of account; zero for a withdrawal, which no budget counts. */
  readonly amount: bigint;
  readonly scopes: readonly string[];
  readonly always: readonly Limit[];
  readonly tiers: readonly TierPlan[];
  /** For {@link concludeDecision} alone. */
  readonly found: Found;
}

/** A denial by no counter: those that may be read for it tell what is left, and change nothing about it. */
export interface Denied {
  readonly kind: 'denied';
  readonly verdict: Verdict;
  /** What limits the payment whatever the tier; null where nothing does: without a policy, and for a withdrawal. */
  readonly limits: readonly Limit[] | null;
  /** For `tellAvailable` alone. */
  readonly holdings: readonly Holding[];
}

/** Either nothing can allow the payment, or the counters decide which tier takes it. */
export type Plan = Denied | Candidates;

interface Found {
  readonly units: bigint;
  /** The same in decimal digits. */
  readonly unitsText: string;
  readonly amountText: string;
  readonly flags: readonly string[];
  readonly trace: readonly TraceLine[];
  readonly always: readonly Holding[];
  readonly tiers: readonly TierHoldings[];
  /** A tier before or among the candidates was left out for want of a task or a session. */
  readonly unnamed: DecisionReason | undefined;
  readonly rules: number;
}

interface TierHoldings {
  readonly tier: CompiledTier;
  readonly scope: string;
  readonly holdings: readonly Holding[];
}

/**
 * Everything that can be decided without counters: standing checks, then prohibitions, then the tiers whose conditions
 * hold, each with the limits it is subject to. Default is denial. Never throws on facts that passed their schema.
 *
 * @param rules the version to decide by; another than the present one only where a recorded decision is replayed.
 */
export function planDecision(
  policy: CompiledPolicy | null,
  facts: Facts,
  rules: number = RULES_VERSION,
): Plan {
  if (!policy)
    return failed(null, facts, { reason: 'no_policy', why: 'no policy is active', units: 0n });
  if (facts.established.frozen)
    return failed(policy, facts, {
      reason: 'frozen',
      why: `payments of ${facts.agent} are frozen`,
      units: 0n,
    });
  if (facts.kind === 'withdrawal') return planWithdrawal(policy, facts, rules);
  const standing = checkPayment(policy, facts);
  if (standing.kind === 'failed') return failed(policy, facts, standing);
  const subject = subjectOf(facts, standing, policy.unitName);
  const checks = line('checks', true, `${subject.amountText}; ${standing.why}`);
  return planPayment(policy, subject, checks, rules);
}

function planPayment(
  policy: CompiledPolicy,
  subject: Subject,
  checks: TraceLine,
  rules: number,
): Plan {
  const prohibitions = policy.prohibitions(subject);
  const flagged = policy.flags(subject);
  const trace = [checks, ...prohibitions.lines, ...flagged.lines];
  const flags = flagged.met.map(({ name }) => name);
  const known = { subject, flags, trace };
  if (prohibitions.met.length > 0)
    return denial(
      policy,
      known,
      'prohibited',
      prohibitions.met.find((it) => it.alternative !== undefined)?.alternative,
    );
  const { candidates, unnamed } = matchTiers(policy, subject, trace);
  if (candidates.length === 0)
    return denial(
      policy,
      known,
      unnamed?.missing.reason ?? 'no_tier',
      unnamed?.missing.budget.source.alternative ?? unnamed?.tier.alternative,
    );
  const missing = missingName(policy.budgets, subject);
  if (missing) {
    trace.push(missingLine(missing));
    return denial(policy, known, missing.reason, missing.budget.source.alternative);
  }
  const over = rules < 3 ? undefined : checkSession(policy.unitName, subject.facts.established);
  if (over) {
    trace.push(line('session', false, over.why));
    return denial(policy, known, over.reason, undefined);
  }
  const always = alwaysHoldings(policy, subject);
  const tiers = candidates.map((tier) => tierHoldings(tier, subject));
  const kept = rules < 2 ? tiers : withinReach(always, tiers, trace);
  if (kept.length === 0) return denial(policy, known, 'too_many_limits', undefined);
  const { units, unitsText, amountText } = subject;
  return {
    kind: 'candidates',
    amount: units,
    scopes: scopesOf(subject.facts, subject.counters),
    always: always.map(limitOf),
    tiers: kept.map(({ tier, scope, holdings }) => ({
      name: tier.name,
      scope,
      limits: holdings.map(limitOf),
    })),
    found: {
      units,
      unitsText,
      amountText,
      flags,
      trace,
      always,
      tiers: kept,
      unnamed: unnamed?.missing.reason,
      rules,
    },
  };
}

function denial(
  policy: CompiledPolicy,
  known: {
    readonly subject: Subject;
    readonly flags: readonly string[];
    readonly trace: TraceLine[];
  },
  reason: DecisionReason,
  alternative: string | undefined,
): Denied {
  const { subject, flags, trace } = known;
  const prohibited = reason === 'prohibited';
  const told = { reasons: [reason] as const, flags, trace, prohibited, alternative };
  const verdict = deny(policy, { ...told, units: subject.units });
  return denied(verdict, toldHoldings(policy, subject));
}

/**
 * The first tiers, as far as one decision may read their limits. A tier beyond is left out, and none after it is tried:
 * a payment can only be denied by it.
 */
function withinReach(
  always: readonly Holding[],
  tiers: readonly TierHoldings[],
  trace: TraceLine[],
): readonly TierHoldings[] {
  let readings = always.length;
  const beyond = tiers.findIndex(({ holdings }) => (readings += holdings.length) > READINGS_MAX);
  if (beyond === -1) return tiers;
  const why = `${tiers.length - beyond} tiers were left out: with them more than ${READINGS_MAX} limits would be read`;
  trace.push(line('tiers', false, why));
  return tiers.slice(0, beyond);
}

/** A withdrawal is reserved like a payment, so that one path ends both, but counts nowhere and nothing limits it. */
function planWithdrawal(policy: CompiledPolicy, facts: Facts, rules: number): Plan {
  const standing = checkWithdrawal(policy, facts);
  if (standing.kind === 'failed') return failed(policy, facts, standing);
  return {
    kind: 'candidates',
    amount: 0n,
    scopes: [],
    always: [],
    tiers: [{ name: TREASURY_TIER, scope: tierScopeOf(facts, TREASURY_TIER), limits: [] }],
    found: {
      units: standing.units,
      unitsText: standing.units.toString(),
      amountText: '',
      flags: [],
      trace: [line(TREASURY_TIER, true, standing.why)],
      always: [],
      tiers: [],
      unnamed: undefined,
      rules,
    },
  };
}

function failed(
  policy: CompiledPolicy | null,
  facts: Facts,
  { reason, why, units }: Pick<Failed, 'reason' | 'why' | 'units'>,
): Denied {
  const trace = [line(reason, true, why)];
  const verdict = deny(policy, { reasons: [reason], trace, units });
  const isLimited = policy && facts.kind === 'payment';
  return denied(verdict, isLimited ? toldHoldings(policy, limitedOf(facts)) : null);
}

function denied(verdict: Verdict, told: readonly Holding[] | null): Denied {
  const holdings = told?.slice(0, AVAILABLE_MAX);
  const limits = holdings?.map(limitOf) ?? null;
  return { kind: 'denied', verdict, limits, holdings: holdings ?? [] };
}

function tierHoldings(tier: CompiledTier, subject: Subject): TierHoldings {
  const scope = tierScopeOf(subject.facts, tier.name);
  const holdings = tier.budgets.holdingsOf(subject);
  return {
    tier,
    scope,
    holdings: tier.frequency ? [tier.frequency(scope), ...holdings] : holdings,
  };
}

const limitOf = ({ limit }: Holding): Limit => limit;

function missingLine({ scope, budget: { source }, instead }: Missing): TraceLine {
  const why = `${source.name} limits payments per ${scope}, and the ${scope} is ${instead}`;
  return line(`budget:${source.name}`, false, why);
}
