import { type LaneEvent, quoteDigest } from '@countersign/contracts';
import { InvariantViolation } from '@countersign/kernel';
import { asked } from './life-asked.ts';
import { reservationOf } from './reservation.ts';
import { settling } from './life-settling.ts';
import { signing } from './life-signing.ts';
import {
  type Life,
  type LifeContext,
  type LifeEvent,
  type LifeJudgement,
  accept,
  ended,
  ignore,
  inPhase,
  stopped,
} from './life-steps.ts';
import { type Approval, type Payment, type PhaseOf, fixedOf } from './payment.ts';

/**
 * The payment's life as one decider. The first applicable record is the fact; everything else is ignored with a code,
 * by its writer included. Pure: time and control come in `context`.
 */
export function live(payment: Payment, event: LifeEvent, context: LifeContext): LifeJudgement {
  switch (event.name) {
    case 'decision.made':
      return decided(payment, event, context);
    case 'approval.opened':
    case 'approval.granted':
    case 'approval.vetoed':
    case 'approval.completed':
    case 'approval.expired':
      return asked(payment, event, context);
    case 'payment.claimed':
      return claimed(payment, event, context);
    case 'authorization.fixed':
    case 'renewal.requested':
    case 'authorization.renewed':
    case 'signing.completed':
    case 'signing.refused':
    case 'cancellation.signed':
      return signing(payment, event, context);
    case 'settlement.submitted':
    case 'settlement.observed':
    case 'settlement.reverted':
    case 'settlement.final':
    case 'settlement.mismatched':
    case 'authorization.void':
    case 'authorization.canceled':
      return settling(payment, event, context);
    case 'delivery.reported':
      return delivered(payment, event.data.duringRenewal === true);
    case 'reservation.ended':
      return reservationEnded(payment, event.data.how);
    case 'alert.raised':
      return payment.alerts.includes(event.data.code)
        ? ignore('duplicate')
        : accept({ ...payment, alerts: [...payment.alerts, event.data.code] });
    default:
      throw new InvariantViolation(`no life record: ${(event as LaneEvent).name}`);
  }
}

/** A freeze reaches every payment: before the authorization it ends them, after it asks for cancellation. */
export function frozenAt(payment: Payment, atMs: number): Payment {
  const { phase } = payment;
  if (phase.status === 'ended' || phase.status === 'mismatched') return payment;
  return fixedOf(payment) ? stopped(payment, 'frozen') : ended(payment, 'frozen', atMs, null);
}

/** Control moved: an allowance not yet turned into an authorization was given under what is no longer in force. */
export function reconsidered(payment: Payment): Payment {
  if (payment.phase.status !== 'authorized') return payment;
  return inPhase(payment, { status: 'undecided', completed: payment.phase.completed });
}

/** A wallet is stopped: what it signed asks for cancellation, and what it did not is not signed. */
export function walletStopped(
  payment: Payment,
  wallets: ReadonlyMap<string, 'rotated' | 'revoked'>,
): Payment {
  const stop = wallets.get(fixedOf(payment)?.walletId ?? '');
  return stop === undefined ? payment : stopped(payment, stop);
}

function decided(
  payment: Payment,
  event: Life<'decision.made'>,
  context: LifeContext,
): LifeJudgement {
  const { phase } = payment;
  const { decision, round, through, proceed } = event.data;
  if (phase.status === 'ended') return ignore('already_ended');
  if (phase.status !== 'undecided') return ignore('not_waiting');
  if (round !== payment.round) return ignore('wrong_round');
  if (through !== context.through) return ignore('stale_mark');
  if ((decision.policy?.hash ?? null) !== context.policyHash) return ignore('stale_policy');
  if (decision.answer !== null && decision.answer.epoch !== context.epoch)
    return ignore('stale_epoch');
  if (decision.facts.established.frozen !== context.frozen) return ignore('frozen');
  if (decision.facts.established.session !== payment.session?.session)
    return ignore('stale_session');
  const { verdict } = decision;
  const taken = {
    id: event.id,
    round,
    atMs: context.atMs,
    policyHash: decision.policy?.hash ?? null,
    verdict,
  };
  const reserving = { ...payment, reserved: reservationOf(decision) ?? payment.reserved };
  if (proceed === 'authorize') {
    const next = { status: 'authorized', decision: taken, completed: phase.completed } as const;
    return accept(inPhase(reserving, next));
  }
  if (proceed === 'ask' && verdict.requirement.kind !== 'none') {
    const approval: Approval = {
      decisionId: event.id,
      askedAtMs: context.atMs,
      requirement: verdict.requirement,
      quoteDigest: quoteDigest(payment.quote, payment.resource),
      openedAtMs: null,
      grants: [],
    };
    return accept(inPhase(reserving, { status: 'awaiting', decision: taken, approval }));
  }
  const over = ended(payment, 'denied', context.atMs, verdict.reasons[0] ?? null);
  return accept(inPhase(over, { ...(over.phase as PhaseOf<'ended'>), verdict }));
}

function claimed(
  payment: Payment,
  event: Life<'payment.claimed'>,
  context: LifeContext,
): LifeJudgement {
  const { phase } = payment;
  const { round, quote, resource } = event.data;
  if (phase.status === 'ended') return ignore('already_ended');
  if (phase.status !== 'cleared') return ignore('not_waiting');
  if (round !== payment.round + 1) return ignore('wrong_round');
  if (context.atMs >= phase.untilMs) return ignore('too_late');
  if (quoteDigest(quote, resource) !== phase.completed.quoteDigest) return ignore('terms_changed');
  return accept({
    ...payment,
    round,
    quote,
    resource,
    quotedAtMs: context.atMs,
    quoteRecordId: event.id,
    phase: { status: 'undecided', completed: phase.completed },
  });
}

/** What is delivered while a renewal is being signed was paid with the bytes that it renews. */
function delivered(payment: Payment, duringRenewal: boolean): LifeJudgement {
  const { phase } = payment;
  const paid =
    phase.status === 'signed' ||
    (phase.status === 'ended' && phase.how === 'settled') ||
    (duringRenewal && phase.status === 'fixed' && phase.fixed.renews !== null);
  if (!paid) return ignore('not_waiting');
  return payment.delivered ? ignore('duplicate') : accept({ ...payment, delivered: true });
}

function reservationEnded(payment: Payment, how: 'committed' | 'released'): LifeJudgement {
  const { phase } = payment;
  if (phase.status !== 'ended') return ignore('not_waiting');
  if (payment.reservationEnded) return ignore('duplicate');
  if ((phase.how === 'settled') !== (how === 'committed')) return ignore('not_waiting');
  return accept({ ...payment, reservationEnded: true });
}
