import type { Limit, Reading, ReservationAnswer } from '@countersign/contracts';

/** Orders the attempts at one payment: a claim comes after the first decision, a newer policy after an older one. */
export interface Attempt {
  readonly round: number;
  /** The lane's mark when the attempt was made. */
  readonly through: number;
}

export interface ReserveRequest {
  readonly tenant: string;
  readonly paymentId: string;
  readonly attempt: Attempt;
  /** In 10^-6 of the unit of account; at most 2^53−1. */
  readonly amount: bigint;
  /** Counters the payment counts in whatever the tier, such as `agent:a`, `seller:s`, `tenant:t`, `task:x`. */
  readonly scopes: readonly string[];
  /** Limits that hold whatever the tier. */
  readonly always: readonly Limit[];
  /** Candidate tiers in order; the first whose limits (and `always`) fit is taken. Its `scope` is counted in too. */
  readonly tiers: readonly {
    readonly name: string;
    readonly scope: string;
    readonly limits: readonly Limit[];
  }[];
  /** The facts of the decision, stored with the answer so that a repeat completes that same decision. */
  readonly inputs: string;
}

export type ReserveResult =
  | { readonly kind: 'answered'; readonly answer: ReservationAnswer; readonly inputs: string }
  /** A newer attempt at this payment has been answered; this one must not be acted upon. */
  | { readonly kind: 'superseded' }
  /** The payment's reservation was committed or released; it never comes back. */
  | { readonly kind: 'ended' };

export interface OpenReservation {
  readonly paymentId: string;
  readonly amount: bigint;
}

/**
 * Budget and velocity counters of one tenant, and the only place where a payment is set against a limit.
 *
 * `reserve` is one atomic step over all limits, and idempotent by payment and attempt: the first answer, yes or no, is
 * kept and returned with the inputs it was given. A later attempt at the same payment replaces the earlier reservation
 * in the same step, does not count it against itself, and keeps it when the answer is no. An open reservation counts in
 * every window of its scopes, however old; only `commit` and `release` end it.
 *
 * The store's own clock decides windows, those of the calendar too (`calendarSpan` says where one begins); such a
 * reading tells where its window began, so that nobody needs a time zone database to check it.
 */
export interface Budgets {
  reserve(request: ReserveRequest): Promise<ReserveResult>;
  /**
   * Counts the reservation as spent at `spentAtMs` (the later of signing and settlement). Idempotent; a payment without
   * reservation is left without one.
   *
   * @throws InvariantViolation when it was released before.
   */
  commit(tenant: string, paymentId: string, spentAtMs: number): Promise<void>;
  /**
   * Ends the reservation, if there is one, without spending, and bars any later one for this payment. Idempotent.
   *
   * @throws InvariantViolation when it was committed before.
   */
  release(tenant: string, paymentId: string): Promise<void>;
  /** What the limits' counters hold now. */
  read(tenant: string, limits: readonly Limit[]): Promise<readonly Reading[]>;
  /** Live reservations, to compare with the fold. */
  open(tenant: string): Promise<readonly OpenReservation[]>;
  close(): Promise<void>;
}
