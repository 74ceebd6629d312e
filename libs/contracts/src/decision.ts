import { z } from 'zod';
import { Audit, Trust, Window } from './policy-document.ts';
import { Quote, Resource } from './quote.ts';
import { TaskPhase, Unit } from './task.ts';
import { Address, Atomic, Code, DigestHex, Name, SessionState, TimeMs } from './text.ts';

/**
 * Everything a decision reads besides the policy and the counters. `established` comes from our registry, credentials
 * and log; `asserted` from agent or seller, and may only tighten.
 */
export const Facts = z.strictObject({
  /** Log time of the record that asks for the decision. */
  atMs: TimeMs,
  tenant: Name,
  agent: Name,
  kind: z.enum(['payment', 'withdrawal']),
  quote: Quote,
  resource: Resource,
  /** The intent asks to buy again what is unresolved. */
  again: z.boolean(),
  established: z.strictObject({
    seller: z.union([Name, z.literal('unknown')]),
    /** Whether the quote's payee is one the seller registered; a known domain with another payee is `mismatch`. */
    payee: z.enum(['registered', 'mismatch', 'lookalike', 'unknown']),
    domain: z.string().max(253),
    route: z.string().max(2048),
    category: z.string().max(64),
    trust: Trust,
    jurisdiction: z.string().max(8),
    /** Registered price of the route, in atomic units of the quoted asset. */
    expectedAmount: Atomic.optional(),
    /** `none`: no task was named; `unknown`: one that nobody opened. */
    task: z.union([Name, z.literal('none'), z.literal('unknown')]),
    /**
     * How the named task stood when the quote was recorded, so that every fold finds the same. Amounts in 10^-6 of
     * `unit`. Absent where nobody ever opened the task, or opened it without terms.
     */
    taskTerms: z
      .strictObject({
        phase: TaskPhase,
        planCommitted: z.boolean(),
        unit: Unit.optional(),
        ceiling: Atomic.optional(),
        /** Where it has outgrown its estimate. */
        stopAt: Atomic.optional(),
        /** Costs reported by then, asserted ones included. */
        reported: Atomic,
      })
      .optional(),
    /** As with `task`; `expired` where its time was over, `closed` where a person had closed it. Absent for none. */
    session: z.union([Name, SessionState]).optional(),
    /** What the operator gave the session, in 10^-6 of the unit of account. */
    sessionCeiling: Atomic.optional(),
    /** The unit the operator gave it in. */
    sessionUnit: Unit.optional(),
    /** By how many minutes clocks were ahead of UTC at `atMs`, in each time zone the policy names. */
    utcOffsets: z.record(z.string().max(64), z.int().min(-1_440).max(1_440)).optional(),
    /** Whether it is small enough for the policy to count it as part of a stream. */
    inStream: z.boolean().optional(),
    frozen: z.boolean(),
    wallet: z.union([z.strictObject({ id: Name, address: Address }), z.null()]),
    /** Why none of the wallets the agent has can pay; absent where one can, or where it has none. */
    unpayable: z
      .enum(['wallet_kind_not_taken', 'wallet_not_deployed', 'wallet_rotating', 'wallet_revoked'])
      .optional(),
  }),
  asserted: z.strictObject({
    category: Name.optional(),
    expectedAmount: Atomic.optional(),
    task: Name.optional(),
    session: Name.optional(),
  }),
});
export type Facts = z.infer<typeof Facts>;

/** One limit to hold, over one counter. Amounts in 10^-6 of the unit of account. */
export const Limit = z.strictObject({
  id: z.string().min(1).max(200),
  /** Counter it reads, such as `agent:research-1` or `tier:research-1/autonomous`. */
  scope: z.string().min(1).max(200),
  window: Window,
  atMost: Atomic.optional(),
  atMostCount: z.int().positive().optional(),
});
export type Limit = z.infer<typeof Limit>;

/** What the store read for one limit, before this payment. */
export const Reading = z.strictObject({
  limitId: z.string(),
  scope: z.string(),
  committed: Atomic,
  open: Atomic,
  committedCount: z.int().nonnegative(),
  openCount: z.int().nonnegative(),
  /** Where a window of the calendar began by the store's clock: what was spent from then on is `committed`. */
  fromMs: TimeMs.optional(),
});
export type Reading = z.infer<typeof Reading>;

/** The store's first answer for one attempt at one payment; repeated calls get the same one. */
export const ReservationAnswer = z.strictObject({
  /** Order of the tenant's answers, for auditors. */
  epoch: z.int().nonnegative(),
  sequence: z.int().nonnegative(),
  /** The store's own never-decreasing clock, which decides rolling windows. */
  atMs: TimeMs,
  /** Name of the first tier whose limits fit, or null when none did. */
  tier: z.union([Name, z.null()]),
  readings: z.array(Reading),
});
export type ReservationAnswer = z.infer<typeof ReservationAnswer>;

/** What a person must do before the payment may be signed. */
export const Requirement = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('none') }),
  z.strictObject({
    kind: z.literal('veto_window'),
    windowMs: z.int().positive(),
    notifyWithinMs: z.int().positive(),
    clearanceMs: z.int().positive(),
  }),
  z.strictObject({
    kind: z.literal('quorum'),
    quorum: z.int().positive(),
    approvers: z.array(Name).min(1),
    timeoutMs: z.int().positive(),
    clearanceMs: z.int().positive(),
  }),
]);
export type Requirement = z.infer<typeof Requirement>;

/** One line of the explanation: a rule, whether it was met, and why. */
export const TraceLine = z.strictObject({
  rule: z.string().max(200),
  met: z.boolean(),
  why: z.string().max(500),
});
export type TraceLine = z.infer<typeof TraceLine>;

/** Whether a rule forbids or marks a payment: not met, it does not apply, and nothing failed. */
export function appliesOrNot({ rule }: Pick<TraceLine, 'rule'>): boolean {
  return /^(?:prohibition|flag)(?::|s$)/.test(rule);
}

/** What a limit leaves for the next payment: after this one where it goes on, as it stands where it was denied. */
export const Available = z.strictObject({
  /** Name of the budget; of the tier, for its frequency. */
  limit: z.string().max(64),
  scope: z.string().max(200),
  window: Window,
  /** In 10^-6 of the unit of account. */
  amount: Atomic.optional(),
  count: z.int().nonnegative().optional(),
});
export type Available = z.infer<typeof Available>;

/** What follows from policy, facts and counters, and nothing else. */
export const Verdict = z.strictObject({
  outcome: z.enum(['allow', 'review', 'deny']),
  /** Tier by name, or `prohibited`, or null where nothing matched. */
  tier: z.union([Name, z.null()]),
  prohibited: z.boolean(),
  flags: z.array(Name),
  requirement: Requirement,
  /** Longest life of the authorization. */
  maxLifetimeMs: z.int().nonnegative(),
  /** Amount in 10^-6 of the unit of account, rounded up. */
  amountUnits: Atomic,
  reasons: z.array(Code).min(1),
  trace: z.array(TraceLine).max(2_000),
  alternative: z.string().max(500).optional(),
  /**
   * Of every limit that was read, save those of tiers that were not reached; at most so many. Absent where none could be
   * read or believed, where no policy is in force, and for a withdrawal.
   */
  available: z.array(Available).max(50).optional(),
  /** As the tier that takes the payment says. */
  audit: Audit.optional(),
});
export type Verdict = z.infer<typeof Verdict>;

/** The verdict with all that is needed to reach it again. */
export const Decision = z.strictObject({
  policy: z.union([z.strictObject({ version: z.int().positive(), hash: DigestHex }), z.null()]),
  facts: Facts,
  /** Null where the plan was already a denial and no counter was asked. */
  answer: z.union([ReservationAnswer, z.null()]),
  /** What was read for such a denial, for its `available` alone. Absent where it could not be, and beside an answer. */
  readings: z.array(Reading).max(50).optional(),
  verdict: Verdict,
  /** Version of the rules it was decided by; 1 where absent. Every version is kept, so that it can be replayed. */
  rules: z.int().min(2).optional(),
});
export type Decision = z.infer<typeof Decision>;
