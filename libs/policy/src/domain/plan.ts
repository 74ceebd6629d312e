import type { Facts, Limit, TraceLine, Verdict } from '@countersign/contracts';
import { scopesOf, tierScopeOf } from '@countersign/payment';
import { type CompiledBudget, type Holding, taskHoldings } from './budgets.ts';
import type { CompiledPolicy, CompiledTier } from './compile.ts';
import { line } from './explain.ts';
import type { DecisionReason } from './reasons.ts';
import { matchTiers, metFlags, metProhibitions } from './rules.ts';
import { type Failed, checkPayment, checkWithdrawal } from './standing.ts';
import { type Subject, subjectOf } from './subject.ts';
import { TREASURY_TIER, deny } from './verdict.ts';

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

/** Either nothing can allow the payment, or the counters decide which tier takes it. */
export type Plan = { readonly kind: 'denied'; readonly verdict: Verdict } | Candidates;

interface Found {
  readonly units: bigint;
  readonly amountText: string;
  readonly flags: readonly string[];
  readonly trace: readonly TraceLine[];
  readonly always: readonly Holding[];
  readonly tiers: readonly TierHoldings[];
  /** A tier before or among the candidates was left out for want of a task. */
  readonly withoutTask: DecisionReason | undefined;
}

interface TierHoldings {
  readonly tier: CompiledTier;
  readonly scope: string;
  readonly holdings: readonly Holding[];
}

/**
 * Everything that can be decided without counters: standing checks, then prohibitions, then the tiers whose conditions
 * hold, each with the limits it is subject to. Default is denial. Never throws on facts that passed their schema.
 */
export function planDecision(policy: CompiledPolicy | null, facts: Facts): Plan {
  if (!policy) return denied(null, { reason: 'no_policy', why: 'no policy is active', units: 0n });
  if (facts.established.frozen)
    return denied(policy, {
      reason: 'frozen',
      why: `payments of ${facts.agent} are frozen`,
      units: 0n,
    });
  if (facts.kind === 'withdrawal') return planWithdrawal(policy, facts);
  const standing = checkPayment(policy, facts);
  if (standing.kind === 'failed') return denied(policy, standing);
  const subject = subjectOf(facts, standing, policy.unitName);
  const checks = line('checks', true, `${subject.amountText}; ${standing.why}`);
  return planPayment(policy, subject, [checks]);
}

function planPayment(policy: CompiledPolicy, subject: Subject, trace: TraceLine[]): Plan {
  const { units, facts } = subject;
  const prohibitions = metProhibitions(policy, subject, trace);
  const flags = metFlags(policy, subject, trace);
  const known = { units, flags, trace };
  if (prohibitions.length > 0) {
    const alternative = prohibitions.find((it) => it.alternative !== undefined)?.alternative;
    const verdict = deny(policy, {
      ...known,
      reasons: ['prohibited'],
      prohibited: true,
      alternative,
    });
    return { kind: 'denied', verdict };
  }
  const { candidates, withoutTask } = matchTiers(policy, subject, trace);
  const taskReason: DecisionReason =
    facts.established.task === 'unknown' ? 'task_unknown' : 'task_required';
  if (candidates.length === 0) {
    const reason = withoutTask ? taskReason : 'no_tier';
    const { alternative } = withoutTask?.budgets.perTask?.source ?? {};
    return {
      kind: 'denied',
      verdict: deny(policy, {
        ...known,
        reasons: [reason],
        alternative: alternative ?? withoutTask?.alternative,
      }),
    };
  }
  const { perTask } = policy.budgets;
  if (perTask && subject.task === undefined) {
    trace.push(taskLine(perTask, subject));
    const { alternative } = perTask.source;
    return {
      kind: 'denied',
      verdict: deny(policy, { ...known, reasons: [taskReason], alternative }),
    };
  }
  const found = {
    ...known,
    amountText: subject.amountText,
    always: [...taskHoldings(subject, policy.unitName), ...policy.budgets.holdingsOf(subject)],
    tiers: candidates.map((tier) => tierHoldings(tier, subject)),
    withoutTask: withoutTask && taskReason,
  };
  return {
    kind: 'candidates',
    amount: units,
    scopes: scopesOf(facts),
    always: found.always.map(limitOf),
    tiers: found.tiers.map(({ tier, scope, holdings }) => ({
      name: tier.name,
      scope,
      limits: holdings.map(limitOf),
    })),
    found,
  };
}

/** A withdrawal is reserved like a payment, so that one path ends both, but counts nowhere and nothing limits it. */
function planWithdrawal(policy: CompiledPolicy, facts: Facts): Plan {
  const standing = checkWithdrawal(policy, facts);
  if (standing.kind === 'failed') return denied(policy, standing);
  return {
    kind: 'candidates',
    amount: 0n,
    scopes: [],
    always: [],
    tiers: [{ name: TREASURY_TIER, scope: tierScopeOf(facts, TREASURY_TIER), limits: [] }],
    found: {
      units: standing.units,
      amountText: '',
      flags: [],
      trace: [line(TREASURY_TIER, true, standing.why)],
      always: [],
      tiers: [],
      withoutTask: undefined,
    },
  };
}

function denied(
  policy: CompiledPolicy | null,
  { reason, why, units }: Pick<Failed, 'reason' | 'why' | 'units'>,
): Plan {
  const trace = [line(reason, true, why)];
  return { kind: 'denied', verdict: deny(policy, { reasons: [reason], trace, units }) };
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

function taskLine({ source }: CompiledBudget, subject: Subject): TraceLine {
  const why = `${source.name} limits payments per task, and the task is ${subject.facts.established.task}`;
  return line(`budget:${source.name}`, false, why);
}
