import type {
  Available,
  Facts,
  Limit,
  PolicyDocument,
  Reading,
  ReservationAnswer,
  Tier,
  Verdict,
} from '@countersign/contracts';
import { limitHolds } from '@countersign/contracts';
import { UINT256_MAX } from '@countersign/kernel';
import {
  type NaivePlan,
  everyFinding,
  findings,
  naivePlan,
  naiveRequirement,
  naiveTiers,
  naiveTold,
  naiveUnits,
  needsName,
  sessionReason,
  standingReason,
} from './naive-plan.ts';

/** The verdict without its explanation. */
export type NaiveVerdict = Omit<Verdict, 'trace'>;

interface Case {
  readonly policy: PolicyDocument;
  readonly facts: Facts;
  readonly amountUnits: string;
  readonly flags: string[];
}

/**
 * What the rules say, told a second time and as plainly as they can be.
 *
 * @param readings of {@link naiveTold}, where no answer could change that it is denied.
 */
export function naiveVerdict(
  policy: PolicyDocument | null,
  facts: Facts,
  answer: ReservationAnswer | null,
  readings: readonly Reading[] = [],
): NaiveVerdict {
  const verdict = naiveOutcome(policy, facts, answer);
  const told = naivePlan(policy, facts) ? undefined : naiveTold(policy, facts);
  if (!policy || told?.length !== readings.length) return verdict;
  const available = told.flatMap((limit) => leftUnder(limit, { policy, readings, taken: 0n }));
  return { ...verdict, available };
}

function naiveOutcome(
  policy: PolicyDocument | null,
  facts: Facts,
  answer: ReservationAnswer | null,
): NaiveVerdict {
  const standing = standingReason(policy, facts);
  const uncounted = [
    ...['no_policy', 'frozen', 'not_the_treasury', 'scheme_not_supported', 'asset_not_declared'],
  ].includes(standing ?? '');
  const units = uncounted ? 0n : (naiveUnits(facts) ?? 0n);
  const amountUnits = (units > UINT256_MAX ? UINT256_MAX : units).toString();
  if (!policy) return no(undefined, { amountUnits, flags: [] }, ['no_policy']);
  const plain = { policy, facts, amountUnits, flags: [] };
  if (standing) return no(policy.alternative, plain, [standing]);
  if (facts.kind === 'withdrawal') return naiveWithdrawal(plain, answer);
  const flags = policy.flags
    .filter((it) => everyFinding(it.when, facts, 'restrict') === true)
    .map((it) => it.id);
  const flagged = { ...plain, flags };
  const forbidden = policy.prohibited.filter((it) =>
    findings(it.when, facts, 'restrict').includes(true),
  );
  if (forbidden.length > 0) {
    const told = forbidden.find((it) => it.alternative !== undefined)?.alternative;
    return { ...no(told ?? policy.alternative, flagged, ['prohibited']), prohibited: true };
  }
  return naiveTaken(flagged, answer);
}

function no(
  alternative: string | undefined,
  { amountUnits, flags }: Pick<Case, 'amountUnits' | 'flags'>,
  reasons: readonly string[],
): NaiveVerdict {
  return {
    outcome: 'deny',
    tier: null,
    prohibited: false,
    flags,
    requirement: { kind: 'none' },
    maxLifetimeMs: 0,
    amountUnits,
    reasons: [...new Set(reasons)],
    ...(alternative !== undefined && { alternative }),
  };
}

function naiveWithdrawal(the: Case, answer: ReservationAnswer | null): NaiveVerdict {
  const { alternative, authorization } = the.policy;
  if (!answer) return no(alternative, the, ['counters_missing']);
  if (answer.tier !== 'treasury') return no(alternative, the, ['counters_inconsistent']);
  return {
    ...no(undefined, the, ['to_treasury']),
    outcome: 'allow',
    tier: 'treasury',
    maxLifetimeMs: authorization.maxLifetimeSeconds * 1000,
  };
}

function naiveTaken(the: Case, answer: ReservationAnswer | null): NaiveVerdict {
  const { policy, facts } = the;
  const { open, nameless } = naiveTiers(policy, facts);
  const left = nameless[0] && needsName(nameless[0].budgets ?? [], facts);
  if (open.length === 0 && left)
    return no(left.budget.alternative ?? nameless[0]?.alternative ?? policy.alternative, the, [
      left.reason,
    ]);
  if (open.length === 0) return no(policy.alternative, the, ['no_tier']);
  const needed = needsName(policy.budgets, facts);
  if (needed) return no(needed.budget.alternative ?? policy.alternative, the, [needed.reason]);
  const over = sessionReason(policy, facts);
  if (over !== undefined) return no(policy.alternative, the, [over]);
  const plan = naivePlan(policy, facts);
  if (!plan) return no(policy.alternative, the, ['too_many_limits']);
  if (!answer) return no(policy.alternative, the, ['counters_missing']);
  const counted = naiveCount(policy, plan, answer);
  if (counted.kind === 'broken') return no(policy.alternative, the, [counted.reason]);
  const reasons = counted.always
    ? counted.reasons
    : [...counted.reasons, ...(left ? [left.reason] : [])];
  if (counted.kind === 'refused')
    return {
      ...no(counted.alternative ?? policy.alternative, the, reasons),
      available: naiveAvailable(the, plan, answer, undefined),
    };
  const { tier } = counted;
  const primary = {
    autonomous: 'within_policy',
    supervised: 'veto_window_required',
    collaborative: 'quorum_required',
  }[tier.kind];
  return {
    ...no(undefined, the, [primary, ...reasons]),
    outcome: tier.kind === 'autonomous' ? 'allow' : 'review',
    tier: tier.name,
    requirement: naiveRequirement(tier),
    maxLifetimeMs: policy.authorization.maxLifetimeSeconds * 1000,
    available: naiveAvailable(the, plan, answer, tier),
    ...(tier.audit && { audit: tier.audit }),
  };
}

/** What is left under every limit that holds whatever the tier, under that of `taken`, and under those that refused. */
function naiveAvailable(
  { policy, amountUnits }: Case,
  plan: NaivePlan,
  answer: ReservationAnswer,
  taken: Tier | undefined,
): Available[] {
  const amount = BigInt(amountUnits);
  const readingOf = (limit: Limit) => readingFor(limit, answer);
  const fits = (limit: Limit) => {
    const reading = readingOf(limit);
    return reading !== undefined && limitHolds(limit, reading, amount);
  };
  const passed = taken
    ? plan.tiers.slice(
        0,
        plan.tiers.findIndex((it) => it.tier === taken),
      )
    : plan.tiers;
  const asked = plan.always.every(fits);
  const shown = [
    ...plan.always,
    ...(asked ? passed.flatMap(({ limits }) => limits.filter((it) => !fits(it))) : []),
    ...(plan.tiers.find((it) => it.tier === taken)?.limits ?? []),
  ];
  const { readings } = answer;
  return shown
    .slice(0, 50)
    .flatMap((limit) => leftUnder(limit, { policy, readings, taken: taken ? amount : 0n }));
}

/** What one limit leaves once `taken` is taken from it; nothing where it was not read. */
function leftUnder(
  limit: Limit,
  the: {
    readonly policy: PolicyDocument;
    readonly readings: readonly Reading[];
    readonly taken: bigint;
  },
): Available[] {
  const { policy, taken } = the;
  const reading = readingFor(limit, the);
  if (!reading) return [];
  const budgets = [...policy.budgets, ...policy.tiers.flatMap((it) => it.budgets ?? [])];
  const { scope, window, atMost, atMostCount } = limit;
  const alone = window.kind === 'payment';
  const after = alone ? 0n : BigInt(reading.committed) + BigInt(reading.open) + taken;
  const before = reading.committedCount + reading.openCount;
  const afterCount = alone ? 0 : before + (taken > 0n ? 1 : 0);
  // What a person gave a task or a session, such as `task.ceiling@task:a/t`.
  const given = /^[a-z]+\.([a-z]+)@/.exec(limit.id)?.[1];
  const name = budgets.find((it) => `${it.id}@${scope}` === limit.id)?.id;
  const told: Available = {
    limit: name ?? (scope.startsWith('tier:') ? scope.split('/')[1] : given) ?? '',
    scope,
    window,
    ...(atMost !== undefined && {
      amount: (BigInt(atMost) > after ? BigInt(atMost) - after : 0n).toString(),
    }),
    ...(atMostCount !== undefined && {
      count: atMostCount > afterCount ? atMostCount - afterCount : 0,
    }),
  };
  return [told];
}

type Counted =
  | { readonly kind: 'broken'; readonly reason: string }
  | {
      readonly kind: 'refused';
      readonly always: boolean;
      readonly reasons: readonly string[];
      readonly alternative: string | undefined;
    }
  | {
      readonly kind: 'taken';
      readonly always: false;
      readonly reasons: readonly string[];
      readonly tier: NaivePlan['tiers'][number]['tier'];
    };

/** Of a limit read twice, or of another counter, nothing is known. */
function readingFor(
  { id, scope }: Limit,
  { readings }: { readonly readings: readonly Reading[] },
): Reading | undefined {
  const given = readings.filter((it) => it.limitId === id);
  return given.length === 1 && given[0]?.scope === scope ? given[0] : undefined;
}

function naiveCount(policy: PolicyDocument, plan: NaivePlan, answer: ReservationAnswer): Counted {
  const readingOf = (limit: Limit) => readingFor(limit, answer);
  const fits = (limit: Limit): boolean | undefined => {
    const reading = readingOf(limit);
    return reading && limitHolds(limit, reading, plan.amount);
  };
  const allFit = (limits: readonly Limit[]) => limits.every((it) => fits(it) === true);
  const missed = (limits: readonly Limit[]) => limits.filter((it) => fits(it) === false);
  const chosen = allFit(plan.always) ? plan.tiers.find((it) => allFit(it.limits)) : undefined;
  if ((chosen?.tier.name ?? null) !== answer.tier)
    return { kind: 'broken', reason: 'counters_inconsistent' };
  const why = (limit: Limit) => refusedBecause(limit, readingOf(limit), plan.amount);
  const budgets = [...policy.budgets, ...policy.tiers.flatMap((it) => it.budgets ?? [])];
  const told = (limits: readonly Limit[]) =>
    limits
      .map(({ id, scope }) =>
        scope.startsWith('tier:')
          ? undefined
          : budgets.find((it) => `${it.id}@${scope}` === id)?.alternative,
      )
      .find((it) => it !== undefined);
  const always = missed(plan.always);
  if (always.length > 0)
    return {
      kind: 'refused',
      always: true,
      reasons: always.flatMap(why),
      alternative: told(always),
    };
  if (!allFit(plan.always)) return { kind: 'broken', reason: 'counters_missing' };
  const before = chosen ? plan.tiers.slice(0, plan.tiers.indexOf(chosen)) : plan.tiers;
  if (before.some((it) => missed(it.limits).length === 0))
    return { kind: 'broken', reason: 'counters_missing' };
  const reasons = before.flatMap((it) => missed(it.limits).flatMap(why));
  if (chosen) return { kind: 'taken', always: false, reasons, tier: chosen.tier };
  const alternative = before
    .map(({ tier, limits }) => told(missed(limits)) ?? tier.alternative)
    .find((it) => it !== undefined);
  return { kind: 'refused', always: false, reasons, alternative };
}

function refusedBecause(limit: Limit, reading: Reading | undefined, amount: bigint): string[] {
  if (!reading) return [];
  if (limit.scope.startsWith('tier:')) return ['frequency_exceeded'];
  if (limit.id.startsWith('task.')) return [`${limit.id.slice(5).split('@')[0]}_exceeded`];
  const alone = limit.window.kind === 'payment';
  const taken = alone ? 0n : BigInt(reading.committed) + BigInt(reading.open);
  const count = alone ? 0 : reading.committedCount + reading.openCount;
  return [
    ...(limit.atMost !== undefined && taken + amount > BigInt(limit.atMost)
      ? ['budget_exceeded']
      : []),
    ...(limit.atMostCount !== undefined && count + 1 > limit.atMostCount ? ['count_exceeded'] : []),
  ];
}
