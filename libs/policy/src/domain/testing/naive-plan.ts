/**
 * The rules once more, as they are told: no index, no closures, every list searched from its start. What the compiled
 * engine decides is compared with this; where they differ, one of them is wrong.
 */
import type {
  Budget,
  Conditions,
  Facts,
  Hours,
  Limit,
  PolicyDocument,
  Requirement,
  Tier,
  Weekday,
} from '@countersign/contracts';
import { findAsset } from '@countersign/contracts';
import { COUNTABLE_MAX, fromDecimal, rescaleUp } from '@countersign/kernel';
import { foldRoute } from '../route.ts';

/** A tier that may take the payment, with what limits it. */
export interface NaiveTier {
  readonly tier: Tier;
  readonly limits: readonly Limit[];
}

export interface NaivePlan {
  readonly amount: bigint;
  readonly scopes: readonly string[];
  readonly always: readonly Limit[];
  readonly tiers: readonly NaiveTier[];
}

type Use = 'permit' | 'restrict';
const TRUSTS = ['unknown', 'known', 'verified'];
const units = (decimal: string): bigint => fromDecimal(decimal, 6) ?? -1n;

export function naiveUnits({ quote }: Facts): bigint | undefined {
  const asset = findAsset(quote.network, quote.asset);
  return asset && rescaleUp(BigInt(quote.amount), asset.decimals, 6);
}

/** Each condition that is given: true, false, or `held` where only the agent's own word or spelling is against it. */
export function findings(when: Conditions, facts: Facts, use: Use): (boolean | 'held')[] {
  const { quote, established: known, asserted, agent } = facts;
  const found: (boolean | 'held')[] = [];
  const amount = naiveUnits(facts) ?? 0n;
  const registered = known.payee === 'registered' && known.seller !== 'unknown';
  const named = (list: readonly string[], name: string) =>
    list.includes(name) && (use === 'restrict' || name !== 'unknown');
  if (when.amount) {
    const { atMost, over } = when.amount;
    found.push(!(atMost && amount > units(atMost)) && !(over && amount <= units(over)));
  }
  if (when.categories) found.push(categoryFinding(when.categories, facts, use));
  if (when.trust) {
    const least = when.trust === 'any' ? 'known' : when.trust;
    found.push(TRUSTS.indexOf(known.trust) >= TRUSTS.indexOf(least));
  }
  if (when.trustIs) found.push(known.trust === when.trustIs);
  if (when.sellers) found.push(named(when.sellers, known.seller));
  if (when.domains) {
    const plain = known.domain.toLowerCase().replace(/\.+(:\d+)?$/, '$1');
    const portless = plain.replace(/:\d*$/, '');
    if (use === 'restrict')
      found.push(when.domains.includes(plain) || when.domains.includes(portless));
    else if (registered && when.domains.includes(known.domain)) found.push(true);
    else found.push(when.domains.includes(plain) ? 'held' : false);
  }
  if (when.routes) {
    const spelled = when.routes.some((prefix) => under(known.route, prefix));
    const read = when.routes.some((prefix) => under(foldRoute(known.route), foldRoute(prefix)));
    if (use === 'restrict') found.push(spelled || read);
    else if (spelled && read && registered) found.push(true);
    else found.push(spelled || read ? 'held' : false);
  }
  if (when.payTo) found.push(when.payTo.includes(quote.payTo));
  if (when.networks) found.push(when.networks.includes(quote.network));
  if (when.assets) found.push(when.assets.includes(`${quote.network}/erc20:${quote.asset}`));
  if (when.jurisdictions)
    found.push(
      when.jurisdictions.includes(
        /^[A-Z]{2}$/.test(known.jurisdiction) ? known.jurisdiction : 'unknown',
      ),
    );
  if (when.agents) found.push(when.agents.includes(agent));
  if (when.task) found.push(taskFinding(when.task, facts, use));
  if (when.priceWithinPercent !== undefined) {
    const factor = BigInt(100 + when.priceWithinPercent);
    const within = (price: string) => BigInt(quote.amount) * 100n <= BigInt(price) * factor;
    if (known.expectedAmount === undefined || !within(known.expectedAmount)) found.push(false);
    else if (use === 'restrict' || asserted.expectedAmount === undefined) found.push(true);
    else found.push(within(asserted.expectedAmount) ? true : 'held');
  }
  if (when.hours) found.push(when.hours.some((it) => inHours(it, facts, use)));
  if (when.stream !== undefined) found.push(isStream(facts) === when.stream);
  return found;
}

function taskFinding(
  { phase, planCommitted }: NonNullable<Conditions['task']>,
  { established: { task, taskTerms } }: Facts,
  use: Use,
): boolean | 'held' {
  if (task === 'none' || task === 'unknown') return use === 'restrict' ? true : 'held';
  const { phase: stands = 'executing', planCommitted: plan = false } = taskTerms ?? {};
  if (phase && !phase.includes(stands)) return false;
  return planCommitted === undefined || planCommitted === plan;
}

const isStream = ({ established }: Facts): boolean => established.inStream ?? false;

const WEEK: readonly Weekday[] = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

/** Looks for hours that began today before now and have not ended, or yesterday and end today after now. */
function inHours(hours: Hours, facts: Facts, use: Use): boolean {
  const { timeZone, from, to } = hours;
  const days: readonly Weekday[] = hours.days ?? WEEK;
  const offset = facts.established.utcOffsets?.[timeZone];
  if (offset === undefined) return use === 'restrict';
  const local = new Date(facts.atMs + offset * 60_000);
  const now = local.toISOString().slice(11, 16);
  const today = WEEK[local.getUTCDay()];
  const yesterday = WEEK[(local.getUTCDay() + 6) % 7];
  const began = (day: Weekday | undefined) => days.some((it) => it === day);
  if (from < to) return began(today) && from <= now && now < to;
  return (began(today) && from <= now) || (began(yesterday) && now < to);
}

function categoryOf({ established }: Facts): string {
  return /^[a-z0-9][a-z0-9_-]{0,63}$/.test(established.category) ? established.category : 'unknown';
}

function categoryFinding(list: readonly string[], facts: Facts, use: Use): boolean | 'held' {
  const known = categoryOf(facts);
  const said = facts.asserted.category ?? known;
  if (use === 'restrict') return list.includes(known) || list.includes(said);
  if (known === 'unknown' || !list.includes(known)) return false;
  return list.includes(said) && said !== 'unknown' ? true : 'held';
}

function under(path: string, prefix: string): boolean {
  const bare = prefix.replace(/\/+$/, '');
  return path === bare || bare === '' || path.startsWith(`${bare}/`);
}

export function everyFinding(when: Conditions, facts: Facts, use: Use): boolean | 'held' {
  const found = findings(when, facts, use);
  if (found.includes(false)) return false;
  return found.includes('held') ? 'held' : true;
}

export function naiveRequirement(tier: Tier): Requirement {
  if (tier.kind === 'autonomous') return { kind: 'none' };
  const clearanceMs = tier.clearanceSeconds * 1000;
  return tier.kind === 'supervised'
    ? {
        kind: 'veto_window',
        windowMs: tier.vetoWindowSeconds * 1000,
        notifyWithinMs: tier.notifyWithinSeconds * 1000,
        clearanceMs,
      }
    : {
        kind: 'quorum',
        quorum: tier.quorum,
        approvers: tier.approvers.filter((it, index) => tier.approvers.indexOf(it) === index),
        timeoutMs: tier.timeoutSeconds * 1000,
        clearanceMs,
      };
}

/** Whether no set of people that completes `one` falls short of `other`, found by trying every set. */
function implies(one: Requirement, other: Requirement): boolean {
  if (other.kind === 'none') return true;
  if (one.kind === 'none') return false;
  if (other.kind === 'veto_window') return one.kind === 'quorum' || one.windowMs >= other.windowMs;
  if (one.kind === 'veto_window') return false;
  for (let set = 0; set < 2 ** one.approvers.length; set += 1) {
    const people = one.approvers.filter((_, index) => (set >> index) % 2 === 1);
    const counted = people.filter((it) => other.approvers.includes(it));
    if (people.length >= one.quorum && counted.length < other.quorum) return false;
  }
  return true;
}

const NAMELESS = {
  task: { none: 'task_required', unknown: 'task_unknown' },
  session: {
    none: 'session_required',
    unknown: 'session_unknown',
    expired: 'session_expired',
    closed: 'session_closed',
  },
};

/** What stands against the session, however budgets count. */
export function sessionReason(
  policy: PolicyDocument,
  { established: { session = 'none', sessionCeiling, sessionUnit = policy.unit.name } }: Facts,
): string | undefined {
  if (session === 'none') return undefined;
  const over = new Map(Object.entries(NAMELESS.session)).get(session);
  if (over !== undefined) return over;
  const differs = sessionCeiling !== undefined && sessionUnit !== policy.unit.name;
  return differs ? 'session_unit_differs' : undefined;
}

/** The first budget that is counted by a task, or else a session, which the payment has not; and how that is told. */
export function needsName(
  budgets: readonly Budget[],
  { established }: Facts,
): { readonly budget: Budget; readonly reason: string } | undefined {
  for (const scope of ['task', 'session'] as const) {
    const reasons: Readonly<Record<string, string>> = NAMELESS[scope];
    const reason = reasons[established[scope] ?? 'none'];
    const budget = budgets.find((it) => it.scope === scope);
    if (reason !== undefined && budget) return { budget, reason };
  }
  return undefined;
}

/** What a denial by no counter may read to say what is left, or nothing where no limit could hold. */
export function naiveTold(policy: PolicyDocument | null, facts: Facts): Limit[] | undefined {
  if (!policy || facts.kind === 'withdrawal') return undefined;
  const { task, session = 'none', taskTerms, sessionUnit = policy.unit.name } = facts.established;
  const budgets = policy.budgets.filter(
    ({ scope }) =>
      !(scope === 'task' && task in NAMELESS.task) &&
      !(scope === 'session' && session in NAMELESS.session),
  );
  return [
    ...(taskTerms?.unit === policy.unit.name ? ofTheTask(facts) : []),
    ...(sessionUnit === policy.unit.name ? sessionLimits(facts) : []),
    ...naiveLimits(budgets, facts),
  ].slice(0, 50);
}

function naiveLimits(budgets: readonly Budget[], facts: Facts): Limit[] {
  const { agent, tenant, established } = facts;
  const { seller, task, session = 'none' } = established;
  const category = categoryOf(facts);
  return budgets.flatMap((budget) => {
    if (budget.scope === 'stream' && !isStream(facts)) return [];
    const name = { agent, tenant: agent, stream: agent, seller, task, session, category }[
      budget.scope
    ];
    if (budget.only && !budget.only.includes(name)) return [];
    const key = {
      ...{ agent, tenant, seller, category },
      task: `${agent}/${task}`,
      session: `${agent}/${session}`,
      stream: `${agent}/${seller}`,
    }[budget.scope];
    const scope = `${budget.scope}:${key}`;
    const most = budget.atMost === undefined ? undefined : units(budget.atMost);
    return {
      id: `${budget.id}@${scope}`,
      scope,
      window: budget.window,
      ...(most !== undefined && {
        atMost: (most > COUNTABLE_MAX ? COUNTABLE_MAX : most).toString(),
      }),
      ...(budget.atMostCount !== undefined && { atMostCount: budget.atMostCount }),
    };
  });
}

function sessionLimits({ agent, established }: Facts): Limit[] {
  const { session = 'none', sessionCeiling } = established;
  if (sessionCeiling === undefined || session in NAMELESS.session) return [];
  const scope = `session:${agent}/${session}`;
  const most = BigInt(sessionCeiling);
  return [
    {
      id: `session.ceiling@${scope}`,
      scope,
      window: { kind: 'lifetime' },
      atMost: (most > COUNTABLE_MAX ? COUNTABLE_MAX : most).toString(),
    },
  ];
}

function tierLimits(tier: Tier, facts: Facts): Limit[] {
  const scope = `tier:${facts.agent}/${tier.name}`;
  const { frequency } = tier;
  const limits = naiveLimits(tier.budgets ?? [], facts);
  if (!frequency) return limits;
  const window = { kind: 'rolling', seconds: frequency.seconds } as const;
  return [{ id: `frequency@${scope}`, scope, window, atMostCount: frequency.atMost }, ...limits];
}

/** What fails before any rule, by its code. */
export function standingReason(policy: PolicyDocument | null, facts: Facts): string | undefined {
  const { quote, established, kind, again } = facts;
  if (!policy) return 'no_policy';
  if (established.frozen) return 'frozen';
  const payment = kind === 'payment';
  if (!payment && policy.treasury?.[quote.network] !== quote.payTo) return 'not_the_treasury';
  if (quote.scheme !== 'exact') return 'scheme_not_supported';
  const amount = naiveUnits(facts);
  const declared = policy.unit.assets.includes(`${quote.network}/erc20:${quote.asset}`);
  if (amount === undefined || (payment && !declared)) return 'asset_not_declared';
  if (amount === 0n) return 'amount_zero';
  if (payment && amount > COUNTABLE_MAX) return 'amount_not_countable';
  if (!established.wallet) return established.unpayable ?? 'no_wallet';
  if (!payment) return undefined;
  if (established.payee === 'mismatch') return 'payee_mismatch';
  if (established.payee === 'lookalike') return 'payee_lookalike';
  return again && !policy.again ? 'again_not_allowed' : taskReason(policy, facts);
}

function taskReason(
  policy: PolicyDocument,
  { established: { taskTerms } }: Facts,
): string | undefined {
  if (taskTerms?.phase === 'exploring') return 'task_exploring';
  if (taskTerms?.phase === 'done') return 'task_done';
  const limits = naiveTaskLimits(taskTerms);
  if (!taskTerms || limits.length === 0) return undefined;
  if (taskTerms.unit !== policy.unit.name) return 'task_unit_differs';
  return limits.some(([, most]) => most <= BigInt(taskTerms.reported)) ? 'task_stopped' : undefined;
}

function naiveTaskLimits(terms: Facts['established']['taskTerms']): [string, bigint][] {
  const limits: [string, bigint][] = [];
  if (terms?.ceiling !== undefined) limits.push(['ceiling', BigInt(terms.ceiling)]);
  if (terms?.stopAt !== undefined) limits.push(['estimate', BigInt(terms.stopAt)]);
  return limits;
}

function ofTheTask({ agent, established: { task, taskTerms } }: Facts): Limit[] {
  if (!taskTerms || task === 'none' || task === 'unknown') return [];
  const scope = `task:${agent}/${task}`;
  return naiveTaskLimits(taskTerms).map(([name, most]) => {
    const left = most < BigInt(taskTerms.reported) ? 0n : most - BigInt(taskTerms.reported);
    const atMost = (left > COUNTABLE_MAX ? COUNTABLE_MAX : left).toString();
    return { id: `task.${name}@${scope}`, scope, window: { kind: 'lifetime' }, atMost };
  });
}

/** Tiers in order that may take the payment, and those that lack only a task or a session. */
export function naiveTiers(
  policy: PolicyDocument,
  facts: Facts,
): { open: Tier[]; nameless: Tier[] } {
  const open: Tier[] = [];
  const nameless: Tier[] = [];
  const leftOut: Tier[] = [];
  for (const tier of policy.tiers) {
    const finding = everyFinding(tier.when, facts, 'permit');
    if (finding === false) continue;
    const noName = needsName(tier.budgets ?? [], facts) !== undefined;
    const weaker = leftOut.some((it) => !implies(naiveRequirement(tier), naiveRequirement(it)));
    if (finding === true && noName) nameless.push(tier);
    if (finding === 'held' || noName || weaker) leftOut.push(tier);
    else open.push(tier);
  }
  return { open, nameless };
}

/** What the budget store would be asked, or nothing where the payment is denied before. */
export function naivePlan(policy: PolicyDocument | null, facts: Facts): NaivePlan | undefined {
  if (!policy || standingReason(policy, facts)) return undefined;
  if (facts.kind === 'withdrawal') return { amount: 0n, scopes: [], always: [], tiers: [] };
  if (policy.prohibited.some((it) => findings(it.when, facts, 'restrict').includes(true)))
    return undefined;
  const { open } = naiveTiers(policy, facts);
  if (open.length === 0 || needsName(policy.budgets, facts)) return undefined;
  if (sessionReason(policy, facts) !== undefined) return undefined;
  const { tenant, agent, established } = facts;
  const { seller, task, session = 'none' } = established;
  const always = [
    ...ofTheTask(facts),
    ...sessionLimits(facts),
    ...naiveLimits(policy.budgets, facts),
  ];
  const tiers = open.map((tier) => ({ tier, limits: tierLimits(tier, facts) }));
  let read = always.length;
  const within = tiers.filter(({ limits }) => (read += limits.length) <= 250);
  if (within.length === 0) return undefined;
  return {
    amount: naiveUnits(facts) ?? 0n,
    scopes: [
      `tenant:${tenant}`,
      `agent:${agent}`,
      `seller:${seller}`,
      `category:${categoryOf(facts)}`,
      ...(task in NAMELESS.task ? [] : [`task:${agent}/${task}`]),
      ...(session in NAMELESS.session ? [] : [`session:${agent}/${session}`]),
      ...(isStream(facts) ? [`stream:${agent}/${seller}`] : []),
    ],
    always,
    tiers: within,
  };
}
