import { type Budget, Facts, type PolicyDocument } from '@countersign/contracts';
import { calendarSpan, fromDecimal, toDecimal } from '@countersign/kernel';
import { tenantOf } from '@countersign/payment';
import type { ReserveRequest } from '@countersign/ports';
import type { World } from '../world.ts';
import { exposureOf } from './exposure.ts';
import type { MakeInvariant } from './invariant.ts';
import { sessionCeiling } from './sessions.ts';
import { taskLimits } from './task-limits.ts';

/** A reservation, with the facts that say where it counts. */
interface Reserved {
  readonly facts: Facts;
  readonly tier: string;
  readonly amount: bigint;
}

/** A limit, and which payments it counts. */
interface Rule {
  readonly name: string;
  readonly window: Budget['window'];
  readonly atMost: bigint | undefined;
  readonly atMostCount: number | undefined;
  readonly counts: (reserved: Reserved) => boolean;
}

/**
 * Invariant 3, counted naively: whenever something is reserved, every budget of the policy it was reserved under is
 * recounted over all payments, from the policy's text, the log and the chain.
 */
export const budgets: MakeInvariant = (world, report) => {
  const reserved = new Map<string, Reserved>();
  const answered = new Set<string>();
  const epochs = new Map<string, number>();
  return {
    onReserve(request, result) {
      if (result.kind !== 'answered' || result.answer.tier === null) return;
      const { epoch, sequence, tier, atMs } = result.answer;
      // A server that was replaced may go on answering: no decision of its epoch applies any more.
      if (epoch < (epochs.get(request.tenant) ?? 0)) return;
      const answer = `${request.tenant}/${epoch}/${sequence}`;
      if (answered.has(answer)) return;
      answered.add(answer);
      const facts = Facts.parse(JSON.parse(request.inputs));
      const { amount, paymentId } = request;
      const mine = { facts, tier, amount };
      reserved.delete(paymentId);
      if (facts.kind === 'payment')
        for (const rule of rulesFor(world, request, mine)) {
          const wrong = overrun(world, { reserved, rule, amount, atMs });
          if (wrong !== undefined)
            report(`${paymentId} of ${amount} was reserved in ${tier}; ${rule.name}: ${wrong}`);
        }
      reserved.set(paymentId, mine);
    },
    onRebuild({ tenant, epoch }) {
      // A straggler may fill a server that was replaced, for an epoch that is over.
      if (epoch < (epochs.get(tenant) ?? 0)) return;
      epochs.set(tenant, epoch);
      // What was answered and not decided in the log by then is asked anew: nothing of it is held.
      for (const [paymentId, { facts }] of reserved) {
        if (facts.tenant !== tenant) continue;
        const status = world.history.payment(facts, paymentId)?.phase.status;
        if (status === undefined || status === 'undecided') reserved.delete(paymentId);
      }
    },
  };
};

function overrun(
  world: World,
  counting: { reserved: Map<string, Reserved>; rule: Rule; amount: bigint; atMs: number },
): string | undefined {
  const { reserved, rule, amount, atMs } = counting;
  let [sum, count] = [amount, 1];
  if (rule.window.kind !== 'payment')
    for (const [paymentId, it] of reserved) {
      if (it.facts.kind !== 'payment' || !rule.counts(it)) continue;
      const exposure = exposureOf(world, it.facts, paymentId);
      if (exposure.kind === 'free') reserved.delete(paymentId);
      if (exposure.kind === 'free' || isPast(rule, exposure, atMs)) continue;
      sum += it.amount;
      count += 1;
    }
  if (rule.atMost !== undefined && sum > rule.atMost)
    return `${toDecimal(sum, 6)} is committed or open, of ${toDecimal(rule.atMost, 6)}`;
  if (rule.atMostCount !== undefined && count > rule.atMostCount)
    return `${count} payments are committed or open, of ${rule.atMostCount}`;
  return undefined;
}

function isPast({ window }: Rule, exposure: ReturnType<typeof exposureOf>, atMs: number): boolean {
  if (exposure.kind !== 'spent') return false;
  if (window.kind === 'calendar')
    return exposure.atMs < calendarSpan(window.unit, window.timeZone, atMs).fromMs;
  return window.kind === 'rolling' && exposure.atMs <= atMs - window.seconds * 1_000;
}

/** Every limit the policy at the attempt's mark puts on this payment in this tier. */
function rulesFor(world: World, request: ReserveRequest, mine: Reserved): Rule[] {
  const view = world.history.views[request.attempt.through];
  const active = view && tenantOf(view, request.tenant).active;
  const document = active && world.history.document(request.tenant, active.hash);
  if (!document) return [];
  const tier = document.tiers.find((it) => it.name === mine.tier);
  const rules = [...document.budgets, ...(tier?.budgets ?? [])].flatMap((it) =>
    ruleOf(document, it, mine),
  );
  rules.push(...limitsOfTask(world, request, mine), ...limitOfSession(world, mine));
  return tier ? [...rules, ...frequencyOf(tier, mine)] : rules;
}

/** What a person allowed the task holds whatever the tier, less the costs that are no payments. */
function limitsOfTask(world: World, request: ReserveRequest, mine: Reserved): Rule[] {
  const { task } = mine.facts.established;
  if (task === 'none' || task === 'unknown') return [];
  const { paymentId, attempt } = request;
  const owner = { ...mine.facts, task };
  return taskLimits(world, owner, { paymentId, round: attempt.round }).map(({ name, left }) => ({
    name: `${name} of task ${task}`,
    window: { kind: 'lifetime' },
    atMost: left,
    atMostCount: undefined,
    counts: (it) => isSame('task', it, mine),
  }));
}

function limitOfSession(world: World, mine: Reserved): Rule[] {
  const { session = 'none' } = mine.facts.established;
  if (NAMELESS.includes(session)) return [];
  const atMost = sessionCeiling(world, { ...mine.facts, session });
  if (atMost === undefined) return [];
  const counts = (it: Reserved) => isSame('session', it, mine);
  const name = `ceiling of session ${session}`;
  return [{ name, window: { kind: 'lifetime' }, atMost, atMostCount: undefined, counts }];
}

function frequencyOf(tier: PolicyDocument['tiers'][number], mine: Reserved): Rule[] {
  if (!tier.frequency) return [];
  const { atMost, seconds } = tier.frequency;
  const rule: Rule = {
    name: `frequency of ${tier.name}`,
    window: { kind: 'rolling', seconds },
    atMost: undefined,
    atMostCount: atMost,
    counts: (it) => isSame('agent', it, mine) && it.tier === mine.tier,
  };
  return [rule];
}

function ruleOf({ stream }: PolicyDocument, budget: Budget, mine: Reserved): Rule[] {
  const { scope, only, window, id, atMost, atMostCount } = budget;
  const subject = subjectOf(scope === 'tenant' || scope === 'stream' ? 'agent' : scope, mine);
  if (only && !only.includes(subject)) return [];
  if (['task', 'session'].includes(scope) && NAMELESS.includes(subject)) return [];
  const small = (it: Reserved) => it.amount <= (fromDecimal(stream?.atMost ?? '', 6) ?? -1n);
  if (scope === 'stream' && !small(mine)) return [];
  const rule: Rule = {
    name: `budget ${id}`,
    window,
    atMost: atMost === undefined ? undefined : fromDecimal(atMost, 6),
    atMostCount,
    counts: (it) => isSame(scope, it, mine) && (scope !== 'stream' || small(it)),
  };
  return [rule];
}

const NAMELESS = ['none', 'unknown', 'expired', 'closed'];

function isSame(scope: Budget['scope'], one: Reserved, other: Reserved): boolean {
  if (one.facts.tenant !== other.facts.tenant) return false;
  const ofAgent = scope === 'task' || scope === 'session' || scope === 'stream';
  if (ofAgent && one.facts.agent !== other.facts.agent) return false;
  if (scope === 'tenant') return true;
  const by = scope === 'stream' ? 'seller' : scope;
  return subjectOf(by, one) === subjectOf(by, other);
}

function subjectOf(
  scope: Exclude<Budget['scope'], 'tenant' | 'stream'>,
  { facts }: Reserved,
): string {
  return scope === 'agent' ? facts.agent : (facts.established[scope] ?? 'none');
}
