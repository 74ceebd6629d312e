import type { Budget, PolicyDocument, Tier, Window } from '@countersign/contracts';
import { isTimeZone } from '@countersign/kernel';
import { requirementOf } from './compile.ts';
import { isDisjoint, isNarrower } from './narrower.ts';
import { asStrictAs } from './strictness.ts';
import { READINGS_MAX } from './version.ts';

/** Words that verdicts and facts use themselves: a rule of that name could be taken for what it is not. */
const RESERVED = new Set(['unknown', 'none', 'treasury', 'prohibited']);

/** What is wrong with a policy beyond its schema. Asked where a policy is put; what was put before is read as it was. */
export interface PolicyCheck {
  /** Why it is not taken. */
  readonly faults: readonly { readonly path: string; readonly message: string }[];
  /** What it may not be meant to say, a sentence each. */
  readonly warnings: readonly string[];
}

export function checkPolicy(policy: PolicyDocument): PolicyCheck {
  return {
    faults: [...reservedNames(policy), ...unknownZones(policy), ...tooMany(policy)],
    warnings: warningsOf(policy),
  };
}

function reservedNames(policy: PolicyDocument): PolicyCheck['faults'] {
  const named = [
    ...policy.tiers.map(({ name }, index) => ({ path: `tiers.${index}.name`, name })),
    ...policy.prohibited.map(({ id }, index) => ({ path: `prohibited.${index}.id`, name: id })),
    ...policy.flags.map(({ id }, index) => ({ path: `flags.${index}.id`, name: id })),
    ...policy.budgets.map(({ id }, index) => ({ path: `budgets.${index}.id`, name: id })),
    ...policy.tiers.flatMap(({ budgets = [] }, tier) =>
      budgets.map(({ id }, index) => ({ path: `tiers.${tier}.budgets.${index}.id`, name: id })),
    ),
  ];
  return named
    .filter(({ name }) => RESERVED.has(name))
    .map(({ path, name }) => ({ path, message: `"${name}" is a word of the product itself` }));
}

function unknownZones(policy: PolicyDocument): PolicyCheck['faults'] {
  const rules = { prohibited: policy.prohibited, tiers: policy.tiers, flags: policy.flags };
  const ofHours = Object.entries(rules).flatMap(([kind, list]) =>
    list.flatMap(({ when }, index) =>
      (when.hours ?? []).map(({ timeZone }) => ({ path: `${kind}.${index}.when.hours`, timeZone })),
    ),
  );
  const ofBudgets = policy.budgets.map((it, index) => ({ path: `budgets.${index}.window`, it }));
  const ofTiers = policy.tiers.flatMap(({ budgets = [] }, tier) =>
    budgets.map((it, index) => ({ path: `tiers.${tier}.budgets.${index}.window`, it })),
  );
  const zones = [...ofBudgets, ...ofTiers].flatMap(({ path, it }) =>
    zoneOf(it.window).map((timeZone) => ({ path, timeZone })),
  );
  return [...ofHours, ...zones]
    .filter(({ timeZone }) => !isTimeZone(timeZone))
    .map(({ path, timeZone }) => ({ path, message: `there is no time zone "${timeZone}"` }));
}

function zoneOf(window: Window): string[] {
  return window.kind === 'calendar' ? [window.timeZone] : [];
}

function tooMany({ budgets }: PolicyDocument): PolicyCheck['faults'] {
  const always = budgets.filter(({ only }) => !only).length;
  if (always <= READINGS_MAX) return [];
  const message = `${always} hold for every payment, and one decision reads at most ${READINGS_MAX} limits`;
  return [{ path: 'budgets', message }];
}

function warningsOf(policy: PolicyDocument): string[] {
  const { tiers } = policy;
  return tiers.flatMap((tier, index) => [
    ...unlimited(policy, tier),
    ...tiers.slice(0, index).flatMap((earlier) => after(earlier, tier)),
  ]);
}

/** Nobody is asked, and nothing ends it. */
function unlimited({ budgets, unit }: PolicyDocument, tier: Tier): string[] {
  if (tier.kind !== 'autonomous') return [];
  const bounds = (it: Budget) => it.atMost !== undefined && it.window.kind !== 'payment';
  if ([...budgets.filter(({ only }) => !only), ...(tier.budgets ?? [])].some(bounds)) return [];
  return [`tier ${tier.name} asks nobody, and no budget in ${unit.name} bounds what it adds up to`];
}

function after(earlier: Tier, tier: Tier): string[] {
  if (isDisjoint(earlier.when, tier.when, true)) return [];
  const [first, second] = [earlier, tier].map((it) => requirementOf(it).requirement);
  const limited = earlier.frequency !== undefined || (earlier.budgets?.length ?? 0) > 0;
  const streamOf = { inner: 0n, outer: 0n };
  if (!limited && isNarrower(tier.when, earlier.when, { use: 'permit', streamOf }))
    return [`tier ${tier.name} is never reached: tier ${earlier.name} takes all that it could`];
  if (!limited || !first || !second || asStrictAs(second, first)) return [];
  return [
    `tier ${tier.name} asks less of people than ${earlier.name} before it, and takes what is beyond its limits`,
  ];
}
