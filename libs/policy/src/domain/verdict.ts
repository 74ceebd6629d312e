import type { Available, TraceLine, Verdict } from '@countersign/contracts';
import type { CompiledPolicy, CompiledTier } from './compile.ts';
import type { DecisionReason } from './reasons.ts';
import { recordable } from './subject.ts';

/** What a denial may have learnt before it. */
export interface Denial {
  readonly reasons: readonly [DecisionReason, ...DecisionReason[]];
  readonly trace: TraceLine[];
  readonly units?: bigint;
  readonly flags?: readonly string[];
  readonly prohibited?: boolean;
  /** Of the rule that refused; else the policy's own is told. */
  readonly alternative?: string | undefined;
  /** Where counters were read. */
  readonly available?: Available[] | undefined;
}

/** The verdict that nothing may be paid. */
export function deny(policy: CompiledPolicy | null, denial: Denial): Verdict {
  const alternative = denial.alternative ?? policy?.alternative;
  return {
    outcome: 'deny',
    tier: null,
    prohibited: denial.prohibited ?? false,
    flags: [...(denial.flags ?? [])],
    requirement: { kind: 'none' },
    maxLifetimeMs: 0,
    amountUnits: recordable(denial.units ?? 0n).toString(),
    reasons: [...new Set(denial.reasons)],
    trace: denial.trace,
    ...(alternative !== undefined && { alternative }),
    ...(denial.available && { available: denial.available }),
  };
}

/** The verdict of the tier that took the payment. */
export function take(
  policy: CompiledPolicy,
  tier: CompiledTier,
  taken: {
    /** In decimal digits. */
    readonly unitsText: string;
    readonly flags: readonly string[];
    /** Why tiers before this one did not take it. */
    readonly passedOver: readonly DecisionReason[];
    readonly trace: TraceLine[];
    readonly available: Available[] | undefined;
  },
): Verdict {
  const verdict: Verdict = {
    outcome: tier.requirement.kind === 'none' ? 'allow' : 'review',
    tier: tier.name,
    prohibited: false,
    flags: [...taken.flags],
    requirement: tier.requirement,
    maxLifetimeMs: policy.maxLifetimeMs,
    amountUnits: taken.unitsText,
    reasons:
      taken.passedOver.length === 0
        ? [tier.reason]
        : [...new Set([tier.reason, ...taken.passedOver])],
    trace: taken.trace,
  };
  if (taken.available) verdict.available = taken.available;
  if (tier.audit) verdict.audit = tier.audit;
  return verdict;
}

/** Tier of every withdrawal that is allowed. */
export const TREASURY_TIER = 'treasury';

/** The verdict on a withdrawal to the treasury. */
export function withdraw(policy: CompiledPolicy, units: bigint, trace: TraceLine[]): Verdict {
  return {
    outcome: 'allow',
    tier: TREASURY_TIER,
    prohibited: false,
    flags: [],
    requirement: { kind: 'none' },
    maxLifetimeMs: policy.maxLifetimeMs,
    amountUnits: recordable(units).toString(),
    reasons: ['to_treasury'],
    trace,
  };
}
