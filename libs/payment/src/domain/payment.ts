import type {
  Authorization,
  Basis,
  EventData,
  Facts,
  OutcomeResult,
  Quote,
  Requirement,
  Resource,
  Verdict,
} from '@countersign/contracts';

/**
 * What a payment holds in the budgets, by the log alone: the counters are a view of these, and are made anew from them
 * when the store that held them lost its data.
 */
export interface Reservation {
  /** In 10^-6 of the unit of account. */
  readonly amount: string;
  /** Counters it counts in. */
  readonly scopes: readonly string[];
  /** The store's time when it was reserved. */
  readonly atMs: number;
}

/** The decision in force for a payment. */
export interface DecisionTaken {
  /** Id of the `decision.made` record. */
  readonly id: string;
  readonly round: number;
  readonly atMs: number;
  readonly policyHash: string | null;
  readonly verdict: Verdict;
}

/** What people were asked, and what they said. */
export interface Approval {
  /** The decision that asked. */
  readonly decisionId: string;
  readonly askedAtMs: number;
  readonly requirement: Exclude<Requirement, { kind: 'none' }>;
  readonly quoteDigest: string;
  /** When a notification was accepted for delivery; null until then. */
  readonly openedAtMs: number | null;
  readonly grants: readonly { readonly person: string; readonly atMs: number }[];
}

/** An approval that ended well, kept for the claim. */
export interface Completed extends Approval {
  readonly completedAtMs: number;
}

export interface Fixed {
  readonly authorization: Authorization;
  readonly authorizationDigest: string;
  readonly walletId: string;
  readonly decisionId: string;
  readonly atBlock: number;
  readonly fixedAtMs: number;
  /** Set by what came too late to prevent the authorization: a veto, a freeze, its wallet's end. Asks for its cancellation. */
  readonly stop: 'vetoed' | 'frozen' | 'rotated' | 'revoked' | null;
  /** A signed cancellation, once the signer made one. */
  readonly cancellation: string | null;
  /** What settlement has claimed to send to the chain itself. */
  readonly submitted: readonly ('transfer' | 'cancellation')[];
  /** Log time until which it may be renewed: the end of the clearance. 0 once the signer refused to. */
  readonly renewableUntilMs: number;
  /** The agent came back for it in vain: the signer owes a renewal. */
  readonly renewalWanted: boolean;
  readonly renewals: number;
  /** Digest of the authorization this one renews; null for the first. */
  readonly renews: string | null;
}

export type Transfer = EventData<'settlement.final'>['transfer'];

export type EndedHow =
  'denied' | 'vetoed' | 'expired' | 'frozen' | 'refused' | 'settled' | 'void' | 'canceled';

/** Where a payment stands. Every phase carries exactly what is true in it. */
export type Phase =
  | { readonly status: 'undecided'; readonly completed: Completed | null }
  | { readonly status: 'awaiting'; readonly decision: DecisionTaken; readonly approval: Approval }
  | {
      readonly status: 'cleared';
      readonly decision: DecisionTaken;
      readonly completed: Completed;
      readonly untilMs: number;
    }
  | {
      readonly status: 'authorized';
      readonly decision: DecisionTaken;
      readonly completed: Completed | null;
    }
  | { readonly status: 'fixed'; readonly decision: DecisionTaken; readonly fixed: Fixed }
  | {
      readonly status: 'signed';
      readonly decision: DecisionTaken;
      readonly fixed: Fixed;
      readonly signature: string;
      readonly signedAtMs: number;
      readonly observed: { readonly level: 'latest' | 'safe'; readonly transfer: Transfer } | null;
    }
  /** The nonce was used by something else than the recorded transfer: a person must look; nothing is released. */
  | { readonly status: 'mismatched'; readonly fixed: Fixed; readonly found: string }
  | {
      readonly status: 'ended';
      readonly how: EndedHow;
      /** Policy's reason, the signer's code, or the cause of the expiry. */
      readonly code: string | null;
      readonly atMs: number;
      readonly verdict: Verdict | null;
      readonly fixed: Fixed | null;
      readonly signature: string | null;
      readonly spentAtMs: number | null;
      readonly transfer: Transfer | null;
    };

export type Status = Phase['status'];
export type PhaseOf<S extends Status> = Extract<Phase, { status: S }>;

/** How the session stood that a payment named. */
export interface SessionFacts {
  /** Its name where it was open. */
  readonly session: NonNullable<Facts['established']['session']>;
  /** In 10^-6 of `unit`. */
  readonly ceiling?: string;
  readonly unit?: string;
}

/** One purchase under governance, from intent to evidence. */
export interface Payment {
  readonly id: string;
  readonly tenant: string;
  readonly agent: string;
  readonly intent: EventData<'intent.submitted'>;
  readonly intentId: string;
  readonly submittedAtMs: number;
  /** 0 for the intent itself, then one for each claim. */
  readonly round: number;
  /** The quote in force: the intent's, or the last claim's. */
  readonly quote: Quote;
  readonly resource: Resource;
  /** Log time of the record that brought the quote. */
  readonly quotedAtMs: number;
  /** Id of the record that brought the quote. */
  readonly quoteRecordId: string;
  readonly phase: Phase;
  /** How the named task stood at the record that brought the quote. */
  readonly taskTerms: Facts['established']['taskTerms'];
  /** How the named session stood there, or that it was closed since; undefined where none was named. */
  readonly session: SessionFacts | undefined;
  readonly delivered: boolean;
  /** What it holds, or held, in the budgets; null until a decision reserved something. */
  readonly reserved: Reservation | null;
  /** What was last reported to have come of it; what a person established is not replaced by what the agent says. */
  readonly outcome: { readonly result: OutcomeResult; readonly basis: Basis } | null;
  readonly reservationEnded: boolean;
  /** Alerts already raised, by code. */
  readonly alerts: readonly string[];
}

/** The authorization, once it was fixed: from then on only the chain ends the payment. */
export function fixedOf(payment: Payment): Fixed | null {
  const { phase } = payment;
  return 'fixed' in phase ? phase.fixed : null;
}

/** A purchase is unresolved until it was delivered or ended without payment; until then it is not bought again. */
export function isResolved(payment: Payment): boolean {
  if (payment.delivered) return true;
  if (payment.phase.status !== 'ended') return false;
  return payment.phase.how !== 'settled' || payment.intent.kind === 'withdrawal';
}

/** How long what was paid for may take to come back before somebody is told. */
export const RETURN_DUE_MS = 3_600_000;

/**
 * Since when a payment is settled with nothing to show for it: neither delivery nor outcome, or an outcome that says so.
 * Undefined for one that was not paid, or came back.
 */
export function nothingBackSinceMs(payment: Payment): number | undefined {
  const { phase, intent, delivered, outcome } = payment;
  if (phase.status !== 'ended' || phase.how !== 'settled' || intent.kind === 'withdrawal')
    return undefined;
  const cameBack = outcome ? outcome.result !== 'nothing' : delivered;
  return cameBack ? undefined : phase.atMs;
}

/** When what people were asked is over: time-out, end of the veto window, or end of the wait for a notification. */
export function approvalDueMs(approval: Approval): number {
  const { requirement, askedAtMs, openedAtMs } = approval;
  if (requirement.kind === 'quorum') return askedAtMs + requirement.timeoutMs;
  return openedAtMs === null
    ? askedAtMs + requirement.notifyWithinMs
    : openedAtMs + requirement.windowMs;
}

/** Whether people have done what was asked, as of `atMs`. */
export function approvalMet(approval: Approval, atMs: number): boolean {
  const { requirement, openedAtMs, grants } = approval;
  if (requirement.kind === 'quorum') return grants.length >= requirement.quorum;
  return openedAtMs !== null && atMs >= openedAtMs + requirement.windowMs;
}
