import type { Facts, PolicyDocument, Tier } from '@countersign/contracts';
import { type CompiledPolicy, compilePolicy } from './compile.ts';
import { concludeDecision } from './conclude.ts';
import { unitsOf } from './conditions.ts';
import { Ledger } from './ledger.ts';
import { planDecision } from './plan.ts';
import { withPolicyFacts } from './policy-facts.ts';

const DAY_S = 86_400;

/** What a tier does to the payments it takes. Amounts in 10^-6 of the unit of account. */
export interface TierReport {
  readonly tier: string;
  readonly kind: Tier['kind'];
  readonly payments: number;
  readonly amount: bigint;
  readonly largest: bigint;
  /** Friction: how many acts it asks of people, and the least time that passes, over all its payments. */
  readonly peopleAsked: number;
  readonly waitMs: number;
  /**
   * Exposure: the most that went through in 24 hours of one agent without a person's consent, of the tier as it was used.
   * A veto window that nobody answers pays: in a supervised tier it is what nobody's answer would have let through.
   */
  readonly worstDay: bigint;
  /** The most that its limits let one agent spend in a day; null where nothing bounds it. */
  readonly dayBound: bigint | null;
}

export interface PolicyReport {
  readonly payments: number;
  readonly amount: bigint;
  readonly denied: number;
  readonly deniedAmount: bigint;
  /** How often each reason was the first of a denial. */
  readonly reasons: Readonly<Record<string, number>>;
  readonly tiers: readonly TierReport[];
  /** Where friction and exposure are out of proportion, a sentence each. It judges figures, and claims nothing in law. */
  readonly findings: readonly string[];
}

/**
 * Tries a policy on payments and tells, tier by tier, what it costs people and what it leaves to chance.
 *
 * @param payments facts as they are established, in the order of their time; every one taken counts as spent at once.
 */
export function reportOn(document: PolicyDocument, payments: readonly Facts[]): PolicyReport {
  const policy = compilePolicy(document, { version: 0, hash: '' });
  const ledger = new Ledger();
  const taken = new Map<string, Taken[]>();
  const reasons: Record<string, number> = {};
  const total = { amount: 0n, denied: 0, deniedAmount: 0n };
  for (const it of payments) {
    const { tier, amount, reason } = tryOne(policy, ledger, withPolicyFacts(it, document));
    total.amount += amount;
    if (tier === null) {
      total.denied += 1;
      total.deniedAmount += amount;
      reasons[reason] = (reasons[reason] ?? 0) + 1;
    } else {
      const ofTier = taken.get(tier) ?? [];
      taken.set(tier, ofTier);
      ofTier.push({ agent: it.agent, atMs: it.atMs, amount });
    }
  }
  const tiers = document.tiers.map((tier) =>
    reportTier(document, tier, taken.get(tier.name) ?? []),
  );
  const report = { payments: payments.length, ...total, reasons, tiers };
  return { ...report, findings: [...findingsOf(report), ...document.tiers.flatMap(shortWindow)] };
}

interface Taken {
  readonly agent: string;
  readonly atMs: number;
  readonly amount: bigint;
}

function tryOne(policy: CompiledPolicy, ledger: Ledger, facts: Facts) {
  const plan = planDecision(policy, facts);
  const answer = plan.kind === 'candidates' ? ledger.reserve(plan, facts.atMs) : null;
  const verdict = concludeDecision(policy, facts, plan, answer);
  const { tier, amountUnits, reasons } = verdict;
  return { tier, amount: BigInt(amountUnits), reason: reasons[0] ?? '' };
}

function reportTier(document: PolicyDocument, tier: Tier, taken: readonly Taken[]): TierReport {
  const amounts = taken.map(({ amount }) => amount);
  const each = { autonomous: 0, supervised: 1, collaborative: 'quorum' in tier ? tier.quorum : 1 };
  return {
    tier: tier.name,
    kind: tier.kind,
    payments: taken.length,
    amount: amounts.reduce((sum, amount) => sum + amount, 0n),
    largest: amounts.reduce((most, amount) => (amount > most ? amount : most), 0n),
    peopleAsked: taken.length * each[tier.kind],
    waitMs: tier.kind === 'supervised' ? taken.length * tier.vetoWindowSeconds * 1_000 : 0,
    worstDay: tier.kind === 'collaborative' ? 0n : worstDayOf(taken),
    dayBound: dayBoundOf(document, tier),
  };
}

function worstDayOf(taken: readonly Taken[]): bigint {
  let worst = 0n;
  for (const ofAgent of Map.groupBy(taken, ({ agent }) => agent).values()) {
    let [first, sum] = [0, 0n];
    for (const { atMs, amount } of ofAgent) {
      sum += amount;
      for (;;) {
        const oldest = ofAgent[first];
        if (!oldest || oldest.atMs > atMs - DAY_S * 1_000) break;
        sum -= oldest.amount;
        first += 1;
      }
      if (sum > worst) worst = sum;
    }
  }
  return worst;
}

/** From what holds for every payment of the tier: its frequency with its amount, and budgets without exceptions. */
function dayBoundOf(
  { budgets }: PolicyDocument,
  { when, frequency, budgets: own = [] }: Tier,
): bigint | null {
  const bounds: bigint[] = [];
  const largest = when.amount?.atMost;
  if (frequency && largest !== undefined)
    bounds.push(unitsOf(largest) * BigInt(frequency.atMost) * fits(frequency.seconds));
  for (const { scope, window, atMost, atMostCount, only } of [...budgets, ...own]) {
    if (only || window.kind === 'payment' || !WHOLE.has(scope)) continue;
    const times =
      window.kind === 'rolling' ? fits(window.seconds) : window.kind === 'calendar' ? 2n : 1n;
    if (atMost !== undefined) bounds.push(unitsOf(atMost) * times);
    if (atMostCount !== undefined && largest !== undefined)
      bounds.push(unitsOf(largest) * BigInt(atMostCount) * times);
  }
  return bounds.length === 0 ? null : bounds.reduce((least, it) => (it < least ? it : least));
}

/** Scopes that hold all payments of an agent: of others it can open more, by another seller or session. */
const WHOLE: ReadonlySet<string> = new Set(['agent', 'tenant']);

/** How many windows of so many seconds a day can touch. */
function fits(seconds: number): bigint {
  return BigInt(Math.max(1, Math.ceil(DAY_S / seconds)));
}

/** Below this share of all money, a tier that asks people for most payments costs more care than it guards. */
const SMALL_SHARE_PERCENT = 5n;
/** Above so many times what was used in the worst day, a limit is no limit for what happens. */
const SLACK_TIMES = 20n;
const DENIED_PERCENT = 20;
/** A message has to arrive, to be read and to be answered: who is not looking already needs a minute for that at least. */
const PEOPLE_NEED_SECONDS = 60;

function findingsOf(report: Omit<PolicyReport, 'findings'>): string[] {
  const { payments, amount, denied, tiers } = report;
  const found: string[] = [];
  if (payments > 0 && denied * 100 > payments * DENIED_PERCENT)
    found.push(
      `${denied} of ${payments} payments are denied: the policy is in the way, or the agents are`,
    );
  for (const it of tiers) {
    const share = amount === 0n ? 0n : (it.amount * 100n) / amount;
    if (it.peopleAsked > 0 && it.payments * 2 > payments && share < SMALL_SHARE_PERCENT)
      found.push(
        `tier ${it.tier} asks people for ${it.payments} of ${payments} payments, which are less than ${SMALL_SHARE_PERCENT} % of the money`,
      );
    if (it.kind === 'collaborative') continue;
    const unasked = it.kind === 'autonomous' ? 'asks nobody' : 'pays where nobody answers';
    if (it.dayBound === null)
      found.push(`tier ${it.tier} ${unasked}, and no limit bounds a day of one agent`);
    else if (it.worstDay > 0n && it.dayBound > it.worstDay * SLACK_TIMES)
      found.push(
        `tier ${it.tier} lets one agent spend more than ${SLACK_TIMES} times of what it did in its worst day`,
      );
  }
  return found;
}

function shortWindow(tier: Tier): string[] {
  if (tier.kind !== 'supervised' || tier.vetoWindowSeconds >= PEOPLE_NEED_SECONDS) return [];
  return [
    `tier ${tier.name} pays after ${tier.vetoWindowSeconds} s unless somebody vetoes, and people need ${PEOPLE_NEED_SECONDS} s at least`,
  ];
}
