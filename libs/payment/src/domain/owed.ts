import type { Service } from '@countersign/contracts';
import {
  type Payment,
  RETURN_DUE_MS,
  approvalDueMs,
  approvalMet,
  nothingBackSinceMs,
} from './payment.ts';

/** What the state owes: who must do what about which payment, and from when on. */
export interface Debt {
  readonly service: Service;
  readonly kind:
    | 'decide'
    | 'end_reservation'
    | 'notify'
    | 'complete'
    | 'expire'
    | 'fix'
    | 'sign'
    | 'renew'
    | 'cancel'
    | 'present'
    | 'relay_cancellation'
    | 'watch'
    | 'alert';
  /** Log time from which it is owed; 0 for at once. */
  readonly dueAtMs: number;
  /** For `alert`: which. */
  readonly code?: string;
}

const now = (service: Service, kind: Debt['kind']): Debt => ({ service, kind, dueAtMs: 0 });

/**
 * The debts of one payment's state. After a crash they are computed again from the fold, and nothing else needs to be
 * remembered: a debt is paid when its record has been read back as applied.
 */
export function owed(payment: Payment): readonly Debt[] {
  let debts = known.get(payment);
  if (!debts) {
    debts = debtsOf(payment);
    known.set(payment, debts);
  }
  return debts;
}

/** A payment's state never changes, only gives way to another; every service asks each of them for its debts. */
const known = new WeakMap<Payment, readonly Debt[]>();

function debtsOf(payment: Payment): readonly Debt[] {
  const { phase } = payment;
  const alerts = alertsOwed(payment);
  switch (phase.status) {
    case 'undecided':
      return [...alerts, now('policy', 'decide')];
    case 'awaiting':
      return [...alerts, ...owedByApproval(phase)];
    case 'cleared':
      return [...alerts, { service: 'approval', kind: 'expire', dueAtMs: phase.untilMs }];
    case 'authorized':
      return [...alerts, now('signer', 'fix')];
    case 'fixed':
      return [...alerts, ...owedOnceFixed(payment), now('settlement', 'watch')];
    case 'signed':
      return [...alerts, ...owedOnceFixed(payment), now('settlement', 'watch')];
    case 'mismatched':
      return alerts;
    case 'ended':
      return payment.reservationEnded ? alerts : [...alerts, now('policy', 'end_reservation')];
  }
}

function owedByApproval(phase: Extract<Payment['phase'], { status: 'awaiting' }>): Debt[] {
  const { approval } = phase;
  const dueAtMs = approvalDueMs(approval);
  const last: Debt =
    approval.requirement.kind === 'quorum'
      ? approvalMet(approval, 0)
        ? now('approval', 'complete')
        : { service: 'approval', kind: 'expire', dueAtMs }
      : {
          service: 'approval',
          kind: approval.openedAtMs === null ? 'expire' : 'complete',
          dueAtMs,
        };
  // What is due comes first: a notifier that does not answer must not hide the end.
  return approval.openedAtMs === null ? [last, now('approval', 'notify')] : [last];
}

function owedOnceFixed(payment: Payment): Debt[] {
  const { phase } = payment;
  if (phase.status !== 'fixed' && phase.status !== 'signed') return [];
  const { stop, cancellation, submitted } = phase.fixed;
  if (stop !== null) {
    if (cancellation === null) return [now('signer', 'cancel')];
    return submitted.includes('cancellation') ? [] : [now('settlement', 'relay_cancellation')];
  }
  if (phase.status === 'fixed') return [now('signer', 'sign')];
  if (phase.fixed.renewalWanted && phase.observed === null) return [now('signer', 'renew')];
  // An agent presents its own payment to the seller; a withdrawal has nobody else to send it.
  const ours = payment.intent.kind === 'withdrawal' && !submitted.includes('transfer');
  return ours ? [now('settlement', 'present')] : [];
}

/** Alerts by code: each is raised once per payment. */
function alertsOwed(payment: Payment): Debt[] {
  const { phase, alerts } = payment;
  const codes: string[] = [];
  if (phase.status === 'ended' && phase.verdict?.prohibited) codes.push('prohibited_attempt');
  if (phase.status === 'ended' && phase.verdict && phase.verdict.flags.length > 0)
    codes.push('flagged');
  if (phase.status === 'ended' && phase.how === 'refused') codes.push('signer_refused');
  if (phase.status === 'mismatched') codes.push('settlement_mismatch');
  // What was seen on the chain, or delivered, was paid before the stop: nothing is left to watch for.
  const paid = payment.delivered || (phase.status === 'signed' && phase.observed !== null);
  if ('fixed' in phase && phase.fixed?.stop && !paid) codes.push('stopped_after_authorization');
  const owedAt = codes.map((code) => ({ code, dueAtMs: 0 }));
  const sinceMs = nothingBackSinceMs(payment);
  if (sinceMs !== undefined) {
    const dueAtMs = payment.outcome ? sinceMs : sinceMs + RETURN_DUE_MS;
    owedAt.push({ code: 'nothing_came_back', dueAtMs });
  }
  return owedAt
    .filter(({ code }) => !alerts.includes(code))
    .map((it) => ({ service: 'alerting', kind: 'alert', ...it }));
}
