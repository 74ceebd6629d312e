import type { LaneEvent, RefusalCode } from '@countersign/contracts';
import { type EndedHow, type Fixed, type Payment, type Phase, fixedOf } from './payment.ts';

/** Longest difference between chain time and log time at which an authorization's window is believed. */
export const SKEW_MAX_MS = 30_000;

/** A signed authorization with less than this left is no good to a facilitator any more, and may be renewed. */
export const RENEWABLE_FROM_MS = 8_000;
/** How long an authorization that needed no people may be renewed; where people cleared it, their clearance says. */
export const CLEARANCE_WITHOUT_PEOPLE_MS = 300_000;
export const RENEWALS_MAX = 4;

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
      | 'renewal.requested'
      | `signing.${string}`
      | `cancellation.${string}`
      | `settlement.${string}`
      | 'alert.raised';
  }
>;

export type LifeJudgement =
  | { readonly applied: true; readonly payment: Payment }
  | { readonly applied: false; readonly code: RefusalCode };

/** One kind of life record, or several. */
export type Life<N extends LifeEvent['name']> = Extract<LifeEvent, { name: N }>;

export function accept(payment: Payment): LifeJudgement {
  return { applied: true, payment };
}

export function ignore(code: RefusalCode): LifeJudgement {
  return { applied: false, code };
}

export function inPhase(payment: Payment, phase: Phase): Payment {
  return { ...payment, phase };
}

/** The payment, ended: what is kept of it for ever. */
export function ended(payment: Payment, how: EndedHow, atMs: number, code: string | null): Payment {
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

/** Marks a fixed payment as stopped; the first stop stays. */
export function stopped(payment: Payment, stop: Fixed['stop'] & string): Payment {
  const now = fixedOf(payment);
  return now && now.stop === null ? withFixed(payment, { ...now, stop }) : payment;
}

export function withFixed(payment: Payment, now: Fixed): Payment {
  const { phase } = payment;
  if (phase.status !== 'fixed' && phase.status !== 'signed') return payment;
  return inPhase(payment, { ...phase, fixed: now });
}
