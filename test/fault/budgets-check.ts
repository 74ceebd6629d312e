import type { PolicyDocument } from '@countersign/contracts';
import { fromDecimal, toDecimal } from '@countersign/kernel';
import { parsePolicyText } from '@countersign/policy/text';
import type { History, SeenOf } from '../sim/history.ts';

/** A reservation of the store that a decision in the log rests upon. */
interface Grant {
  readonly paymentId: string;
  readonly agent: string;
  readonly seller: string;
  readonly tier: string;
  readonly amount: bigint;
  readonly epoch: number;
  readonly sequence: number;
  /** The store's clock. */
  readonly atMs: number;
  /** When it counted no more, by log and chain: spent at, or free from. */
  readonly over: { readonly kind: 'open' | 'spent' | 'free'; readonly atMs: number };
}

interface Rule {
  readonly name: string;
  /** Infinity for a lifetime. */
  readonly windowMs: number;
  readonly atMost: bigint | undefined;
  readonly atMostCount: number | undefined;
  readonly counts: (grant: Grant) => boolean;
}

/** Every budget of the policy recounted at every grant, from the log alone. @returns how many, and what is wrong. */
export function recount(history: History): { counted: number; overspent: string[] } {
  const grants = grantsOf(history);
  const policy = policyOf(history);
  const overspent: string[] = [];
  let counted = 0;
  const newest = new Map<string, Grant>();
  for (const grant of grants) {
    newest.delete(grant.paymentId);
    for (const rule of rulesFor(policy, grant)) {
      counted += 1;
      const wrong = overrun(rule, grant, newest);
      if (wrong !== undefined)
        overspent.push(`${grant.paymentId} passed ${rule.name} at ${grant.atMs}: ${wrong}`);
    }
    newest.set(grant.paymentId, grant);
  }
  return { counted, overspent };
}

function overrun(rule: Rule, mine: Grant, earlier: ReadonlyMap<string, Grant>): string | undefined {
  let [sum, count] = [mine.amount, 1];
  for (const other of earlier.values()) {
    if (!rule.counts(other)) continue;
    const { kind, atMs } = other.over;
    // Said to be over no later than the product may say so: this sum is at most what its counters held.
    if (kind === 'free' && atMs < mine.atMs) continue;
    if (kind === 'spent' && atMs <= mine.atMs - rule.windowMs) continue;
    sum += other.amount;
    count += 1;
  }
  if (rule.atMost !== undefined && sum > rule.atMost)
    return `${toDecimal(sum, 6)} of ${toDecimal(rule.atMost, 6)}`;
  if (rule.atMostCount !== undefined && count > rule.atMostCount)
    return `${count} of ${rule.atMostCount} payments`;
  return undefined;
}

/** In the order in which the store answered: later epochs were opened when every earlier answer was known or void. */
function grantsOf(history: History): Grant[] {
  const grants = history.payments().flatMap(({ id, agent }) =>
    history
      .named(id, 'decision.made')
      .filter((it) => it.applied)
      .flatMap((seen) => grantOf(history, seen, agent)),
  );
  return grants.sort((one, other) => one.epoch - other.epoch || one.sequence - other.sequence);
}

function grantOf(history: History, seen: SeenOf<'decision.made'>, agent: string): Grant[] {
  const { paymentId, decision } = seen.event.data;
  const { answer, facts } = decision;
  if (!answer || answer.tier === null) return [];
  const { tier, epoch, sequence, atMs } = answer;
  const amount = BigInt(facts.quote.amount);
  const { seller } = facts.established;
  const over = overOf(history, seen);
  return [{ paymentId, agent, seller, tier, amount, epoch, sequence, atMs, over }];
}

function overOf(history: History, { event }: SeenOf<'decision.made'>): Grant['over'] {
  const { paymentId } = event.data;
  const payment = history.payment(event.data, paymentId);
  if (payment?.phase.status !== 'ended') return { kind: 'open', atMs: Infinity };
  const { phase } = payment;
  if (phase.how === 'settled') return { kind: 'spent', atMs: phase.spentAtMs ?? phase.atMs };
  return { kind: 'free', atMs: phase.atMs };
}

/** The one policy of a run. */
function policyOf(history: History): PolicyDocument {
  const put = history.control.find(({ event, applied }) => applied && event?.name === 'policy.put');
  if (put?.event?.name !== 'policy.put') throw new Error('no policy stands in the log');
  return parsePolicyText(put.event.data.text).document;
}

function rulesFor(policy: PolicyDocument, mine: Grant): Rule[] {
  const rules = policy.budgets
    .filter(
      ({ only, scope }) => !only || only.includes(scope === 'seller' ? mine.seller : mine.agent),
    )
    .map(({ id, scope, window, atMost, atMostCount }): Rule => {
      if (scope !== 'tenant' && scope !== 'agent' && scope !== 'seller')
        throw new Error(`the budget ${id} counts by ${scope}, which is not recounted here`);
      if (window.kind !== 'rolling' && window.kind !== 'lifetime')
        throw new Error(`the budget ${id} has a window that is not recounted here`);
      return {
        name: `budget ${id}`,
        windowMs: window.kind === 'rolling' ? window.seconds * 1_000 : Infinity,
        atMost: atMost === undefined ? undefined : fromDecimal(atMost, 6),
        atMostCount,
        counts: (it) => scope === 'tenant' || it[scope] === mine[scope],
      };
    });
  const frequency = policy.tiers.find(({ name }) => name === mine.tier)?.frequency;
  if (!frequency) return rules;
  rules.push({
    name: `frequency of ${mine.tier}`,
    windowMs: frequency.seconds * 1_000,
    atMost: undefined,
    atMostCount: frequency.atMost,
    counts: (it) => it.agent === mine.agent && it.tier === mine.tier,
  });
  return rules;
}
