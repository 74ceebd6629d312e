import {
  type Agent,
  type Payment,
  type SettlementOutcome,
  facilitatorOf,
  fixedOf,
  unseenOf,
} from '@countersign/payment';
import type { LaneHost } from '@countersign/service-kit';
import { type Breaker, breakerOf } from '../domain/breaker.ts';

/** A facilitator as a tenant's payments show it. */
export interface FacilitatorSeen {
  readonly facilitator: string;
  readonly breaker: Breaker;
  /** Of the last outcomes of each agent. */
  readonly settled: number;
  readonly failed: number;
  readonly ambiguous: number;
}

/** Whether to present to a facilitator, from what the fold knows of it: every replica finds the same. */
export function breakerFor(
  host: LaneHost,
  of: { readonly tenant: string; readonly facilitator: string },
  nowMs: number,
): Breaker {
  const { tenant, facilitator } = of;
  const agents = agentsOf(host, tenant);
  return breakerOf(
    agents.flatMap((agent) => [
      ...(agent.facilitators.get(facilitator) ?? []),
      ...(unseen(agent, nowMs).get(facilitator) ?? []),
    ]),
    nowMs,
  );
}

/** Every facilitator a tenant has had to do with of late. */
export function facilitatorsSeen(
  host: LaneHost,
  tenant: string,
  nowMs: number,
): readonly FacilitatorSeen[] {
  const outcomes = new Map<string, SettlementOutcome[]>();
  for (const agent of agentsOf(host, tenant))
    for (const known of [agent.facilitators, unseen(agent, nowMs)])
      for (const [facilitator, of] of known)
        outcomes.set(facilitator, [...(outcomes.get(facilitator) ?? []), ...of]);
  const countOf = (of: readonly SettlementOutcome[], kind: SettlementOutcome['kind']) =>
    of.filter((it) => it.kind === kind).length;
  return [...outcomes].sort().map(([facilitator, of]) => ({
    facilitator,
    breaker: breakerOf(of, nowMs),
    settled: countOf(of, 'settled'),
    failed: countOf(of, 'failed'),
    ambiguous: countOf(of, 'ambiguous'),
  }));
}

/** Whether a payment's authorization is over by our clock; that the chain knows it for ever unused, only the chain says. */
export function isOutlived(payment: Payment, nowMs: number): boolean {
  const fixed = fixedOf(payment);
  return fixed !== null && fixed.authorization.validBefore * 1000 <= nowMs;
}

/**
 * Whether we present this payment of ours now; while the breaker is half open, the oldest that waits is the one to try. One
 * that could only fail is none: it would open the breaker again, and tell nothing.
 */
export function mayPresent(host: LaneHost, payment: Payment, nowMs: number): boolean {
  const { tenant } = payment;
  const facilitator = facilitatorOf(payment);
  const { state } = breakerFor(host, { tenant, facilitator }, nowMs);
  if (state !== 'half_open') return state === 'closed';
  const waiting = agentsOf(host, tenant)
    .flatMap((agent) => openOf(agent))
    .filter((it) => it.phase.status === 'signed' && !it.phase.observed && !it.phase.fixed.stop)
    .filter((it) => it.intent.kind === 'withdrawal' && facilitatorOf(it) === facilitator)
    .filter((it) => !isOutlived(it, nowMs))
    .sort((a, b) => a.submittedAtMs - b.submittedAtMs || (a.id < b.id ? -1 : 1));
  return waiting[0]?.id === payment.id;
}

function agentsOf(host: LaneHost, tenant: string): readonly Agent[] {
  return host.lanes
    .flatMap((lane) => [...lane.agents.values()])
    .filter((agent) => agent.tenant === tenant);
}

function openOf(agent: Agent): readonly Payment[] {
  return [...agent.open].flatMap((id) => agent.payments.get(id) ?? []);
}

function unseen(agent: Agent, nowMs: number): ReadonlyMap<string, readonly SettlementOutcome[]> {
  const outcomes = new Map<string, SettlementOutcome[]>();
  for (const payment of openOf(agent)) {
    const outcome = unseenOf(payment, nowMs);
    const facilitator = facilitatorOf(payment);
    if (outcome) outcomes.set(facilitator, [...(outcomes.get(facilitator) ?? []), outcome]);
  }
  return outcomes;
}
