import type { TraceLine } from '@countersign/contracts';
import type { CompiledPolicy, CompiledTier } from './compile.ts';
import { LINES_MAX, line, summarize } from './explain.ts';
import { type Missing, missingName } from './missing-name.ts';
import { allOf, explained, explainedMet } from './rules-told.ts';
import { asStrictAs } from './strictness.ts';
import type { Subject } from './subject.ts';

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
    if (leftOut !== undefined) trace.push(line(tier.rule, false, leftOut));
    else if (finding === 'met') trace.push(explainedMet(tier, subject));
    else trace.push(explained(tier, subject, finding));
  }
  const unlisted = found.length - listed;
  summarize(trace, 'tiers', { excluded: rules.length - found.length, unlisted });
  return { candidates, unnamed };
}

/** Adds a tier to the floor, unless it asks no more than one that is there. */
function raise(floor: CompiledTier[], tier: CompiledTier): void {
  if (!floor.some((it) => asStrictAs(it.requirement, tier.requirement))) floor.push(tier);
}
