import type { Payment } from './payment.ts';

/** What became of a payment that a facilitator was to settle. */
export interface SettlementOutcome {
  /** Log time of the record that told it. */
  readonly atMs: number;
  /** `ambiguous` is neither success nor failure: nobody knows whether it was presented, or what became of it. */
  readonly kind: 'settled' | 'failed' | 'ambiguous';
}

/** Outcomes of one facilitator, and facilitators, that are kept of each agent: its state is saved whole with each change. */
export const OUTCOMES_KEPT = 20;
const FACILITATORS_KEPT = 32;

/** How long what we presented may go unseen before nobody knows what became of it. */
const UNSEEN_MS = 60_000;

/**
 * Who settles a payment: we ourselves for what we present, else whoever works for the payee. Named by what is recorded, as
 * a seller's facilitator is not.
 */
export function facilitatorOf({ intent, quote }: Payment): string {
  const { network, payTo } = quote;
  return intent.kind === 'withdrawal' ? `${network}/self` : `${network}/${payTo}`;
}

/**
 * What an ended payment says of its facilitator, if anything. An authorization that ran out failed only if somebody tried:
 * we did, or the agent came back for it. Otherwise it may never have been presented; what we were to present and did not,
 * as under an open breaker, surely was not, and says nothing.
 */
export function outcomeOf(payment: Payment): SettlementOutcome | undefined {
  const { phase } = payment;
  if (phase.status !== 'ended' || !phase.fixed) return undefined;
  if (phase.how === 'settled') return { atMs: phase.atMs, kind: 'settled' };
  if (phase.how !== 'void' || phase.fixed.stop !== null) return undefined;
  const wasTried = phase.fixed.submitted.includes('transfer') || phase.fixed.renewals > 0;
  if (!wasTried && payment.intent.kind === 'withdrawal') return undefined;
  return { atMs: phase.atMs, kind: wasTried ? 'failed' : 'ambiguous' };
}

/** What a payment under way says: presented by us and not seen for too long, nobody knows. */
export function unseenOf(payment: Payment, nowMs: number): SettlementOutcome | undefined {
  const { phase } = payment;
  if (phase.status !== 'signed' || phase.observed) return undefined;
  if (!phase.fixed.submitted.includes('transfer')) return undefined;
  const atMs = phase.signedAtMs + UNSEEN_MS;
  return nowMs >= atMs ? { atMs, kind: 'ambiguous' } : undefined;
}

/** Adds the outcome of a payment that has just ended to what is known of its facilitator. Changes `known`. */
export function noteOutcome(
  known: Map<string, readonly SettlementOutcome[]>,
  payment: Payment,
): void {
  const outcome = outcomeOf(payment);
  if (!outcome) return;
  const facilitator = facilitatorOf(payment);
  const before = known.get(facilitator) ?? [];
  // The one that was not heard of for the longest time goes first.
  known.delete(facilitator);
  known.set(facilitator, [...before, outcome].slice(-OUTCOMES_KEPT));
  const oldest = known.keys().next().value;
  if (known.size > FACILITATORS_KEPT && oldest !== undefined) known.delete(oldest);
}
