import type { Available, Facts, Limit, Reading } from '@countersign/contracts';
import { type CountedFacts, categoryOf, countersOf, tierScopeOf } from '@countersign/payment';
import { toldHoldings } from './always.ts';
import type { Holding } from './budgets.ts';
import type { CompiledPolicy } from './compile.ts';
import { availableAfter, measure } from './readings.ts';
import type { DecisionReason } from './reasons.ts';
import { checkSession } from './session-check.ts';
import { checkTask } from './standing.ts';
import { type Limited, openSession, openTask } from './subject.ts';
import { READINGS_MAX, RULES_VERSION } from './version.ts';

/** Whose limits are asked for. A seller that is left out leaves out budgets per seller, category and stream. */
export interface Spender extends CountedFacts {
  readonly established: CountedFacts['established'] &
    Pick<Facts['established'], 'taskTerms' | 'sessionCeiling' | 'sessionUnit' | 'frozen'>;
  readonly isSellerKnown: boolean;
}

/** What is limited, before the counters are read. */
export interface AvailablePlan {
  /** Why every payment of this kind is denied, whatever its amount; null where none is for that. */
  readonly stopped: DecisionReason | null;
  /** Everything to read. */
  readonly limits: readonly Limit[];
  /** For {@link availableNow} alone. */
  readonly always: readonly Holding[];
  readonly tiers: readonly { readonly tier: string; readonly holdings: readonly Holding[] }[];
}

/** What a spender has left now. */
export interface AvailableNow {
  readonly stopped: DecisionReason | null;
  /** Under limits that hold whatever the tier. */
  readonly limits: readonly Available[];
  /** Under limits of one tier, in the policy's order; tiers without any are left out. */
  readonly tiers: readonly { readonly tier: string; readonly limits: readonly Available[] }[];
}

/** The limits a payment of the spender would be set against, as a decision would find them. */
export function planAvailable(policy: CompiledPolicy | null, spender: Spender): AvailablePlan {
  if (!policy) return { stopped: 'no_policy', limits: [], always: [], tiers: [] };
  const subject = limitedOf(policy, spender);
  const always = toldHoldings(policy, subject);
  let readings = always.length;
  const tiers = policy.tiers.rules.flatMap((tier) => {
    const scope = tierScopeOf({ kind: 'payment', agent: spender.agent }, tier.name);
    const own = tier.budgets.holdingsOf(subject);
    const holdings = tier.frequency ? [tier.frequency(scope), ...own] : own;
    readings += holdings.length;
    return holdings.length === 0 || readings > READINGS_MAX ? [] : [{ tier: tier.name, holdings }];
  });
  const held = [...always, ...tiers.flatMap(({ holdings }) => holdings)];
  const limits = held.map(({ limit }) => limit);
  return { stopped: stoppedBy(policy, spender), limits, always, tiers };
}

/** The same numbers as in the answer of a decision that takes nothing. */
export function availableNow(
  { stopped, always, tiers }: AvailablePlan,
  readings: readonly Reading[],
): AvailableNow {
  const byId = new Map(readings.map((reading) => [reading.limitId, reading]));
  const leftOf = (holdings: readonly Holding[]) =>
    availableAfter(measure(holdings, byId, null), 0n, RULES_VERSION) ?? [];
  const ofTiers = tiers.map(({ tier, holdings }) => ({ tier, limits: leftOf(holdings) }));
  return { stopped, limits: leftOf(always), tiers: ofTiers };
}

function limitedOf(policy: CompiledPolicy, spender: Spender): Limited {
  const { established, isSellerKnown } = spender;
  const facts = { ...spender, established: { ...established, inStream: isSellerKnown } };
  const counters = countersOf(facts);
  return {
    facts,
    category: isSellerKnown ? categoryOf(facts) : '',
    task: openTask(facts),
    session: openSession(facts),
    counters: {
      ...counters,
      seller: isSellerKnown ? counters.seller : '',
      category: isSellerKnown ? counters.category : '',
      stream: isSellerKnown ? (counters.stream ?? '') : '',
      task: counters.task ?? '',
      session: counters.session ?? '',
    },
  };
}

function stoppedBy(policy: CompiledPolicy, { established }: Spender): DecisionReason | null {
  if (established.frozen) return 'frozen';
  const task = checkTask(policy, established);
  return task?.[0] ?? checkSession(policy.unitName, established)?.reason ?? null;
}
