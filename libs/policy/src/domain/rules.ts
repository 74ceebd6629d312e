import type { TraceLine } from '@countersign/contracts';
import type { CompiledPolicy, CompiledRule, CompiledTier, RuleSet } from './compile.ts';

import { LINES_MAX, line, summarize } from './explain.ts';
import type { Condition, Finding } from './finding.ts';
import { type Missing, missingName } from './missing-name.ts';
import { asStrictAs } from './strictness.ts';
import type { Subject } from './subject.ts';

/** The prohibitions a payment meets, in document order. One is enough to forbid it, and of one any condition. */
export function metProhibitions(
  { prohibitions }: CompiledPolicy,
  subject: Subject,
  trace: TraceLine[],
): CompiledRule[] {
  return metRules(prohibitions, { subject, trace, kind: 'prohibitions', enough: 'any' });
}

/** The flags a payment meets: all their conditions hold. */
export function metFlags(
  { flags }: CompiledPolicy,
  subject: Subject,
  trace: TraceLine[],
): string[] {
  return metRules(flags, { subject, trace, kind: 'flags', enough: 'all' }).map(({ name }) => name);
}

function metRules(
  { rules, find }: RuleSet<CompiledRule>,
  {
    subject,
    trace,
    kind,
    enough,
  }: { subject: Subject; trace: TraceLine[]; kind: string; enough: 'any' | 'all' },
): CompiledRule[] {
  const found = find(subject);
  const met: CompiledRule[] = [];
  let listed = 0;
  for (const index of found) {
    const rule = rules[index];
    if (!rule) continue;
    const finding =
      enough === 'all'
        ? allOf(rule.conditions, subject)
        : anyOf(rule.conditions, subject)
          ? 'met'
          : 'unmet';
    if (finding === 'met') met.push(rule);
    // Room is kept for what is met: of what is not, only so much is listed.
    if (listed >= (finding === 'met' ? LINES_MAX : LINES_MAX / 2)) continue;
    listed += 1;
    trace.push(explained(rule, subject, finding));
  }
  const unlisted = found.length - listed;
  summarize(trace, kind, { excluded: rules.length - found.length, unlisted });
  return met;
}

/** Tiers that may take a payment, before any counter is asked. */
export interface Matched {
  readonly candidates: readonly CompiledTier[];
  /** The first tier left out because it limits payments per task or session, and there is no open one. */
  readonly unnamed: { readonly tier: CompiledTier; readonly missing: Missing } | undefined;
}

/**
 * Tiers in document order all of whose conditions hold. A tier that is left out only because of what the agent said, how
 * it spelled the URL or that it named no task sets a floor: no less strict tier may take the payment in its place.
 * Otherwise an agent would get past a tier that asks people by contradicting what is established.
 */
export function matchTiers(
  { tiers: { rules, find } }: CompiledPolicy,
  subject: Subject,
  trace: TraceLine[],
): Matched {
  const found = find(subject);
  const candidates: CompiledTier[] = [];
  const floor: CompiledTier[] = [];
  let unnamed: Matched['unnamed'];
  let listed = 0;
  for (const index of found) {
    const tier = rules[index];
    if (!tier) continue;
    const finding = allOf(tier.conditions, subject);
    let leftOut: string | undefined;
    if (finding === 'met') {
      const above = floor.find((it) => !asStrictAs(tier.requirement, it.requirement));
      const missing = missingName(tier.budgets, subject);
      if (missing) {
        unnamed ??= { tier, missing };
        const { scope, instead } = missing;
        leftOut = `it limits payments per ${scope}, and the ${scope} is ${instead}`;
      } else if (above) leftOut = `it asks less of people than ${above.name}, which was left out`;
      else candidates.push(tier);
    }
    if (finding === 'held' || leftOut !== undefined) raise(floor, tier);
    if (listed >= (finding === 'met' ? LINES_MAX : LINES_MAX / 2)) continue;
    listed += 1;
    trace.push(
      leftOut === undefined ? explained(tier, subject, finding) : line(tier.rule, false, leftOut),
    );
  }
  const unlisted = found.length - listed;
  summarize(trace, 'tiers', { excluded: rules.length - found.length, unlisted });
  return { candidates, unnamed };
}

/** Adds a tier to the floor, unless it asks no more than one that is there. */
function raise(floor: CompiledTier[], tier: CompiledTier): void {
  if (!floor.some((it) => asStrictAs(it.requirement, tier.requirement))) floor.push(tier);
}

function allOf(conditions: readonly Condition[], subject: Subject): Finding {
  let held = false;
  for (const { test } of conditions) {
    const finding = test(subject);
    if (finding === 'unmet') return 'unmet';
    if (finding === 'held') held = true;
  }
  return held ? 'held' : 'met';
}

function anyOf(conditions: readonly Condition[], subject: Subject): boolean {
  for (const { test } of conditions) if (test(subject) === 'met') return true;
  return false;
}

/** A line that names the conditions the finding rests on, each with the values compared. */
function explained(rule: CompiledRule, subject: Subject, finding: Finding): TraceLine {
  let why = '';
  for (const { test, why: whyOf } of rule.conditions) {
    const ofOne = test(subject);
    if (finding === 'met' ? ofOne !== 'met' : ofOne === 'met') continue;
    why += (why === '' ? '' : '; ') + whyOf(subject, ofOne);
  }
  return line(rule.rule, finding === 'met', why);
}
