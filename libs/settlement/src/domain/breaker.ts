import { OUTCOMES_KEPT, type SettlementOutcome } from '@countersign/payment';

export type Tripped = 'consecutive_failures' | 'failure_rate' | 'ambiguity';

/**
 * Whether a facilitator is worth presenting to. Follows from its outcomes, and the time, alone. An ambiguous outcome never
 * closes it, and counts towards opening it only as ambiguity.
 */
export type Breaker =
  | { readonly state: 'closed' }
  | {
      /** `half_open` lets one payment try; what becomes of it closes or opens the breaker. */
      readonly state: 'open' | 'half_open';
      readonly why: Tripped;
      readonly sinceMs: number;
      readonly untilMs: number;
    };

/** Failures in a row, ambiguous ones left aside, that open it. */
const FAILURES_IN_A_ROW = 5;
/** How many outcomes there must be before a share of them means anything. */
const SHARE_MIN = 10;
/** Share of failures among the decided, or of ambiguous among all, that opens it: half, and three in five. */
const FAILED_SHARE = 0.5;
const AMBIGUOUS_SHARE = 0.6;
const OPEN_MS = 60_000;
const OPEN_MAX_MS = 15 * 60_000;

interface Trip {
  readonly why: Tripped;
  readonly sinceMs: number;
  readonly untilMs: number;
  /** How often in a row it was opened without a success in between. */
  readonly times: number;
}

/**
 * The breaker after some outcomes, as of `nowMs`. Replicas that know the same outcomes agree, whatever order they learnt
 * them in.
 */
export function breakerOf(outcomes: readonly SettlementOutcome[], nowMs: number): Breaker {
  const inOrder = outcomes.toSorted((a, b) => a.atMs - b.atMs || (a.kind < b.kind ? -1 : 1));
  let seen: SettlementOutcome[] = [];
  let trip: Trip | undefined;
  for (const outcome of inOrder) {
    if (trip && outcome.kind === 'settled') [trip, seen] = [undefined, []];
    else if (trip && outcome.kind === 'failed' && outcome.atMs >= trip.untilMs)
      trip = tripped(trip.why, outcome.atMs, trip.times + 1);
    seen = [...seen, outcome].slice(-OUTCOMES_KEPT);
    const why = trip ? undefined : reasonOf(seen);
    if (why !== undefined) trip = tripped(why, outcome.atMs, 1);
  }
  if (!trip) return { state: 'closed' };
  const { why, sinceMs, untilMs } = trip;
  return { state: nowMs < untilMs ? 'open' : 'half_open', why, sinceMs, untilMs };
}

function tripped(why: Tripped, atMs: number, times: number): Trip {
  const forMs = Math.min(OPEN_MAX_MS, OPEN_MS * 2 ** (times - 1));
  return { why, sinceMs: atMs, untilMs: atMs + forMs, times };
}

function reasonOf(seen: readonly SettlementOutcome[]): Tripped | undefined {
  const decided = seen.filter((it) => it.kind !== 'ambiguous');
  const lastGood = decided.findLastIndex((it) => it.kind === 'settled');
  if (decided.length - 1 - lastGood >= FAILURES_IN_A_ROW) return 'consecutive_failures';
  const failed = decided.filter((it) => it.kind === 'failed').length;
  if (decided.length >= SHARE_MIN && failed >= decided.length * FAILED_SHARE) return 'failure_rate';
  const ambiguous = seen.length - decided.length;
  const isMostly = seen.length >= SHARE_MIN && ambiguous >= seen.length * AMBIGUOUS_SHARE;
  return isMostly ? 'ambiguity' : undefined;
}
