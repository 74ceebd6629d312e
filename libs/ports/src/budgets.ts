import type { Limit, Reading, ReservationAnswer } from '@countersign/contracts';

/**
 * How long a store knows at least that a payment ended, and when it was spent: longer than the longest window (a year).
 * After that only what was ever spent is known, as a sum. What keeps an older payment from being reserved anew is the
 * fold, in which it has ended: nobody decides it again, and what is held for it none the less is found by comparison.
 */
export const ENDED_KEPT_MS = 400 * 86_400_000;

/** Orders the attempts at one payment: a claim comes after the first decision, a newer policy after an older one. */
export interface Attempt {
  readonly round: number;
  /** The lane's mark when the attempt was made. */
  readonly through: number;
}

/**
 * One tenant's counters as they were opened by a record of `control`, whose offset is the epoch; 0 before any. A caller
 * names the epoch its lane has seen: a store that holds another one answers nothing.
 */
export interface Book {
  readonly tenant: string;
  readonly epoch: number;
}

export interface ReserveRequest extends Book {
  readonly paymentId: string;
  readonly attempt: Attempt;
  /** In 10^-6 of the unit of account; at most 2^53−1. */
  readonly amount: bigint;
  /** Counters the payment counts in whatever the tier, such as `agent:a`, `seller:s`, `tenant:t`, `task:a/x`. */
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
  /** The payment's reservation was committed or released, at most {@link ENDED_KEPT_MS} ago. */
  | { readonly kind: 'ended' };

export interface OpenReservation {
  readonly paymentId: string;
  readonly amount: bigint;
}

/** What the log says of one payment: what a book that is opened anew begins with. */
export type Booking =
  | {
      readonly state: 'open';
      readonly paymentId: string;
      readonly amount: bigint;
      readonly scopes: readonly string[];
    }
  | {
      readonly state: 'committed';
      readonly paymentId: string;
      readonly amount: bigint;
      readonly scopes: readonly string[];
      readonly spentAtMs: number;
    }
  | { readonly state: 'released'; readonly paymentId: string };

export interface Bookings {
  /** The book's clock begins here, or later. */
  readonly atMs: number;
  readonly payments: readonly Booking[];
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
 *
 * The counters are a view of the log, and a store may lose them, or come back with old ones. Every call finds that out,
 * and throws a Fault (all may be retried, save `budgets_foreign` and `not_countable`):
 * - `budgets_lost`: this is not what was written under the epoch named; it must be rebuilt under a newer one.
 * - `budgets_ahead`: the book is of a newer epoch than the one named, which the caller's lane has yet to see.
 * - `budgets_foreign`: the counters are those of another log.
 * - `budgets_unsafe`: the store may throw data away to make room.
 * - `budgets_unavailable`, `log_unavailable`: no answer; what became of the call is unknown.
 * - `not_countable`: a counter would hold more than it can; nothing was changed.
 */
export interface Budgets {
  reserve(request: ReserveRequest): Promise<ReserveResult>;
  /**
   * Counts the reservation as spent at `spentAtMs` (the latest of reservation, signing and settlement). Idempotent; a
   * payment without reservation is left without one.
   *
   * @throws InvariantViolation when it was released before.
   */
  commit(book: Book, paymentId: string, spentAtMs: number): Promise<void>;
  /**
   * Ends the reservation, if there is one, without spending, and bars any later one for this payment. Idempotent.
   *
   * @throws InvariantViolation when it was committed before.
   */
  release(book: Book, paymentId: string): Promise<void>;
  /** What the limits' counters hold now. */
  read(book: Book, limits: readonly Limit[]): Promise<readonly Reading[]>;
  /** Live reservations, to compare with the fold. */
  open(book: Book): Promise<readonly OpenReservation[]>;
  /**
   * Replaces all that is kept of the tenant by what the log says, under an epoch newer than any the store knows. Whole or
   * not at all. First answers are gone: whatever was not decided in the log is asked anew.
   *
   * Only the process that opened the epoch may call it, once: after a fault it is unknown whether the book was opened, and
   * a second store could be given the same epoch; so a further epoch is opened instead.
   *
   * @returns `outrun` when the store knows this epoch, or a newer one, already; nothing was changed then.
   */
  rebuild(book: Book, bookings: Bookings): Promise<'opened' | 'outrun'>;
  close(): Promise<void>;
}
