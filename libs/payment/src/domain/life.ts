import { type LaneEvent, type RefusalCode, quoteDigest } from '@countersign/contracts';
import { InvariantViolation, digestOf } from '@countersign/kernel';
import { nonceOf, sameTerms } from './ids.ts';
import {
  type Approval,
  type Completed,
  type EndedHow,
  type Fixed,
  type Payment,
  type Phase,
  type PhaseOf,
  approvalDueMs,
  approvalMet,
  fixedOf,
} from './payment.ts';

/** Longest difference between chain time and log time at which an authorization's window is believed. */
export const SKEW_MAX_MS = 30_000;

/** What a payment's records are judged against besides the payment itself. */
export interface LifeContext {
  /** Highest log time of the lane so far. */
  readonly atMs: number;
  /** The lane's mark, and what of control it stands for. */
  readonly through: number;
  readonly policyHash: string | null;
  readonly epoch: number;
  readonly frozen: boolean;
  readonly wallet: { readonly id: string; readonly address: string } | null;
}

/** Records about one payment that exists. */
export type LifeEvent = Extract<
  LaneEvent,
  {
    name:
      | 'payment.claimed'
      | 'delivery.reported'
      | 'decision.made'
      | 'reservation.ended'
      | `approval.${string}`
      | `authorization.${string}`
      | `signing.${string}`
      | `cancellation.${string}`
      | `settlement.${string}`
      | 'alert.raised';
  }
>;

export type LifeJudgement =
  | { readonly applied: true; readonly payment: Payment }
  | { readonly applied: false; readonly code: RefusalCode };

const ignore = (code: RefusalCode): LifeJudgement => ({ applied: false, code });

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
      return delivered(payment);
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

type Event<N extends LifeEvent['name']> = Extract<LifeEvent, { name: N }>;

function decided(
  payment: Payment,
  event: Event<'decision.made'>,
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
  const { verdict } = decision;
  const taken = {
    id: event.id,
    round,
    atMs: context.atMs,
    policyHash: decision.policy?.hash ?? null,
    verdict,
  };
  if (proceed === 'authorize') {
    const next = { status: 'authorized', decision: taken, completed: phase.completed } as const;
    return accept(inPhase(payment, next));
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
    return accept(inPhase(payment, { status: 'awaiting', decision: taken, approval }));
  }
  const over = ended(payment, 'denied', context.atMs, verdict.reasons[0] ?? null);
  return accept(inPhase(over, { ...(over.phase as PhaseOf<'ended'>), verdict }));
}

function asked(
  payment: Payment,
  event: Event<`approval.${'opened' | 'granted' | 'vetoed' | 'completed' | 'expired'}`>,
  context: LifeContext,
): LifeJudgement {
  const { phase } = payment;
  if (event.name === 'approval.vetoed') return vetoed(payment, context);
  if (phase.status === 'ended') return ignore('already_ended');
  if (phase.status === 'cleared' && event.name === 'approval.expired') {
    if (event.data.cause !== 'unclaimed') return ignore('not_waiting');
    return context.atMs < phase.untilMs
      ? ignore('too_early')
      : accept(ended(payment, 'expired', context.atMs, 'unclaimed'));
  }
  if (phase.status !== 'awaiting') return ignore('not_waiting');
  const { approval } = phase;
  const due = context.atMs >= approvalDueMs(approval);
  switch (event.name) {
    case 'approval.opened':
      if (event.data.round !== payment.round) return ignore('wrong_round');
      if (approval.openedAtMs !== null) return ignore('duplicate');
      if (due) return ignore('too_late');
      return accept(
        inPhase(payment, { ...phase, approval: { ...approval, openedAtMs: context.atMs } }),
      );
    case 'approval.granted':
      return granted(payment, phase, event.data, context);
    case 'approval.completed': {
      if (event.data.round !== payment.round) return ignore('wrong_round');
      if (!approvalMet(approval, context.atMs)) return ignore('too_early');
      const completed: Completed = { ...approval, completedAtMs: context.atMs };
      const untilMs = context.atMs + approval.requirement.clearanceMs;
      return accept(
        inPhase(payment, { status: 'cleared', decision: phase.decision, completed, untilMs }),
      );
    }
    case 'approval.expired': {
      if (!due || approvalMet(approval, context.atMs)) return ignore('too_early');
      const cause = approval.requirement.kind === 'quorum' ? 'unanswered' : 'not_notified';
      return accept(ended(payment, 'expired', context.atMs, cause));
    }
  }
}

function granted(
  payment: Payment,
  phase: PhaseOf<'awaiting'>,
  data: Event<'approval.granted'>['data'],
  context: LifeContext,
): LifeJudgement {
  const { approval } = phase;
  if (approval.requirement.kind !== 'quorum') return ignore('not_waiting');
  if (!approval.requirement.approvers.includes(data.person)) return ignore('not_an_approver');
  // A grant at or after the time-out is refused even if no expiry record came yet.
  if (context.atMs >= approvalDueMs(approval)) return ignore('too_late');
  if (data.quoteDigest !== approval.quoteDigest || data.decisionId !== approval.decisionId)
    return ignore('wrong_digest');
  // Quorum counts people, not clicks.
  if (approval.grants.some((grant) => grant.person === data.person))
    return ignore('already_granted');
  const grants = [...approval.grants, { person: data.person, atMs: context.atMs }];
  return accept(inPhase(payment, { ...phase, approval: { ...approval, grants } }));
}

function vetoed(payment: Payment, context: LifeContext): LifeJudgement {
  if (payment.phase.status === 'ended') return ignore('already_ended');
  const fixed = fixedOf(payment);
  if (!fixed) return accept(ended(payment, 'vetoed', context.atMs, null));
  return fixed.stop === null ? accept(stopped(payment, 'vetoed')) : ignore('duplicate');
}

function claimed(
  payment: Payment,
  event: Event<'payment.claimed'>,
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

function signing(
  payment: Payment,
  event: Event<
    `authorization.fixed` | `signing.${'completed' | 'refused'}` | 'cancellation.signed'
  >,
  context: LifeContext,
): LifeJudgement {
  const { phase } = payment;
  switch (event.name) {
    case 'authorization.fixed':
      return fixed(payment, event.data, context);
    case 'signing.refused':
      if (phase.status !== 'authorized') return ignore('not_waiting');
      return event.data.decisionId === phase.decision.id
        ? accept(ended(payment, 'refused', context.atMs, event.data.code))
        : ignore('wrong_round');
    case 'signing.completed': {
      if (phase.status !== 'fixed') return ignore('not_waiting');
      const { bytes: signature, authorizationDigest } = event.data;
      if (authorizationDigest !== phase.fixed.authorizationDigest)
        return ignore('wrong_authorization');
      const signed = { signature, signedAtMs: context.atMs, observed: null };
      return accept(inPhase(payment, { ...phase, ...signed, status: 'signed' }));
    }
    case 'cancellation.signed': {
      const now = fixedOf(payment);
      if (!now?.stop || phase.status === 'ended') return ignore('not_waiting');
      if (now.cancellation !== null) return ignore('duplicate');
      return accept(withFixed(payment, { ...now, cancellation: event.data.bytes }));
    }
  }
}

function fixed(
  payment: Payment,
  data: Event<'authorization.fixed'>['data'],
  context: LifeContext,
): LifeJudgement {
  const { phase, quote } = payment;
  if (phase.status === 'ended') return ignore('already_ended');
  if (phase.status !== 'authorized') return ignore('not_waiting');
  if (context.frozen) return ignore('frozen');
  if (data.decisionId !== phase.decision.id) return ignore('wrong_round');
  const { authorization, walletId } = data;
  const asDecided =
    `eip155:${authorization.chainId}` === quote.network &&
    authorization.token === quote.asset &&
    authorization.to === quote.payTo &&
    authorization.value === quote.amount &&
    authorization.nonce === nonceOf(payment.tenant, payment.id) &&
    authorization.from === context.wallet?.address &&
    walletId === context.wallet.id &&
    authorization.validAfter === 0 &&
    authorization.validBefore * 1000 <=
      context.atMs + phase.decision.verdict.maxLifetimeMs + SKEW_MAX_MS;
  if (!asDecided) return ignore('wrong_authorization');
  const now: Fixed = {
    authorization,
    authorizationDigest: digestOf('countersign/authorization/1', authorization),
    walletId,
    decisionId: data.decisionId,
    atBlock: data.atBlock,
    fixedAtMs: context.atMs,
    stop: null,
    cancellation: null,
    submitted: [],
  };
  return accept(inPhase(payment, { status: 'fixed', decision: phase.decision, fixed: now }));
}

function settling(
  payment: Payment,
  event: Event<
    | `settlement.${'submitted' | 'observed' | 'reverted' | 'final' | 'mismatched'}`
    | `authorization.${'void' | 'canceled'}`
  >,
  context: LifeContext,
): LifeJudgement {
  const { phase } = payment;
  if (phase.status === 'ended') return ignore('already_ended');
  if (phase.status !== 'fixed' && phase.status !== 'signed') return ignore('not_waiting');
  switch (event.name) {
    case 'settlement.submitted': {
      const { submitted } = phase.fixed;
      if (submitted.includes(event.data.what)) return ignore('duplicate');
      return accept(
        withFixed(payment, { ...phase.fixed, submitted: [...submitted, event.data.what] }),
      );
    }
    case 'settlement.observed': {
      if (phase.status !== 'signed') return ignore('not_waiting');
      const { level, transfer } = event.data;
      const known = phase.observed;
      if (
        known?.level === level &&
        known.transfer.transactionHash === transfer.transactionHash &&
        known.transfer.block.hash === transfer.block.hash
      )
        return ignore('duplicate');
      return accept(inPhase(payment, { ...phase, observed: { level, transfer } }));
    }
    case 'settlement.reverted':
      return phase.status === 'signed' && phase.observed
        ? accept(inPhase(payment, { ...phase, observed: null }))
        : ignore('not_waiting');
    case 'settlement.final':
      return accept(settled(payment, event.data.transfer, context.atMs));
    case 'authorization.void':
      return event.data.finalized.timeMs >= phase.fixed.authorization.validBefore * 1000
        ? accept(ended(payment, 'void', context.atMs, null))
        : ignore('too_early');
    case 'authorization.canceled':
      return accept(ended(payment, 'canceled', context.atMs, null));
    case 'settlement.mismatched': {
      const { found } = event.data;
      return accept(inPhase(payment, { status: 'mismatched', fixed: phase.fixed, found }));
    }
  }
}

/** A reservation is spent at the later of signing and settlement block time. */
function settled(payment: Payment, transfer: PhaseOf<'ended'>['transfer'], atMs: number): Payment {
  const { phase } = payment;
  const over = ended(payment, 'settled', atMs, null);
  const signedAtMs = phase.status === 'signed' ? phase.signedAtMs : atMs;
  const spentAtMs = Math.max(signedAtMs, transfer?.block.timeMs ?? atMs);
  return inPhase(over, { ...(over.phase as PhaseOf<'ended'>), spentAtMs, transfer });
}

function delivered(payment: Payment): LifeJudgement {
  const { phase } = payment;
  const paid = phase.status === 'signed' || (phase.status === 'ended' && phase.how === 'settled');
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

function stopped(payment: Payment, stop: 'vetoed' | 'frozen'): Payment {
  const now = fixedOf(payment);
  return now && now.stop === null ? withFixed(payment, { ...now, stop }) : payment;
}

function withFixed(payment: Payment, now: Fixed): Payment {
  const { phase } = payment;
  if (phase.status !== 'fixed' && phase.status !== 'signed') return payment;
  return inPhase(payment, { ...phase, fixed: now });
}

function ended(payment: Payment, how: EndedHow, atMs: number, code: string | null): Payment {
  const { phase } = payment;
  return inPhase(payment, {
    status: 'ended',
    how,
    code,
    atMs,
    verdict: 'decision' in phase ? phase.decision.verdict : null,
    fixed: fixedOf(payment),
    signature: phase.status === 'signed' ? phase.signature : null,
    spentAtMs: null,
    transfer: null,
  });
}

function inPhase(payment: Payment, phase: Phase): Payment {
  return { ...payment, phase };
}

function accept(payment: Payment): LifeJudgement {
  return { applied: true, payment };
}

/** Whether a quote is the one the payment already has, so that a retry is answered with it. */
export function sameQuote(payment: Payment, quote: Payment['quote']): boolean {
  return sameTerms(payment.quote, quote);
}
