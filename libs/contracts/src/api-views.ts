import { z } from 'zod';
import { Available, Requirement, TraceLine } from './decision.ts';
import { Authorization } from './events/lane-events.ts';
import { Audit } from './policy-document.ts';
import { Quote, Resource } from './quote.ts';
import { Basis, OutcomeResult, TaskPhase, Unit } from './task.ts';
import {
  Atomic,
  Bytes32,
  DigestHex,
  Name,
  Network,
  PaymentId,
  SessionName,
  TimeMs,
} from './text.ts';

/** What an agent proposes to pay. Everything but quote and resource is asserted: it may tighten, never widen. */
export const ProposeBody = z.strictObject({
  quote: Quote,
  resource: Resource,
  task: Name.optional(),
  /** A session that an operator opened for the agent; a payment that names one which is not open is denied. */
  session: SessionName.optional(),
  category: Name.optional(),
  /** Price the agent expects, in atomic units of the quoted asset. */
  expectedAmount: Atomic.optional(),
  purpose: z.string().min(1).max(500).optional(),
  /** Buy again what is unresolved, where policy allows it. */
  again: z.boolean().optional(),
});
export type ProposeBody = z.infer<typeof ProposeBody>;

/** A payment to evaluate; nothing comes of it. */
export const EvaluateBody = ProposeBody.extend({
  agent: Name,
  /** A policy that is not in force. */
  version: z.int().positive().optional(),
  /** As if the session had been opened with these terms, whether or not there is one; `ceiling` in 10^-6 of `unit`. */
  sessionTerms: z
    .strictObject({ unit: Unit.optional(), ceiling: Atomic.optional() })
    .refine(({ unit, ceiling }) => ceiling === undefined || unit !== undefined, {
      path: ['unit'],
      message: 'the unit in which the ceiling is',
    })
    .optional(),
}).refine(({ session, sessionTerms }) => sessionTerms === undefined || session !== undefined, {
  path: ['session'],
  message: 'the name of the session that has these terms',
});
export type EvaluateBody = z.infer<typeof EvaluateBody>;

/** Whether payments may be made in a session. */
export const SessionStanding = z.enum(['open', 'closed', 'expired']);
export type SessionStanding = z.infer<typeof SessionStanding>;

export const PaymentStatus = z.enum([
  'undecided',
  'awaiting_approval',
  'cleared',
  'authorized',
  'signing',
  'signed',
  'mismatched',
  'denied',
  'vetoed',
  'expired',
  'frozen',
  'refused',
  'settled',
  'void',
  'canceled',
]);
export type PaymentStatus = z.infer<typeof PaymentStatus>;

// Answers are open objects: a client of today reads a server of tomorrow, and leaves out what it does not know.

/** One payment as its agent, its approvers and operators see it. The signature goes to the owning agent only. */
export const PaymentView = z.object({
  id: PaymentId,
  agent: Name,
  kind: z.enum(['payment', 'withdrawal']),
  status: PaymentStatus,
  /** Its status will not change any more. */
  final: z.boolean(),
  submittedAtMs: TimeMs,
  quote: Quote,
  quoteDigest: DigestHex,
  resource: Resource,
  /** Amount as people read it, such as `0.02 USDC`. */
  amount: z.string(),
  tier: z.string().nullable(),
  flags: z.array(z.string()),
  reasons: z.array(z.string()),
  code: z.string().nullable(),
  alternative: z.string().optional(),
  /**
   * What limits left when it was decided; empty where none holds. Absent before that, of a withdrawal, without a policy, and
   * of a denial made while the counters could not be read.
   */
  available: z.array(Available).optional(),
  approval: z
    .strictObject({
      requirement: Requirement,
      decisionId: DigestHex,
      openedAtMs: TimeMs.nullable(),
      dueAtMs: TimeMs,
      grantedBy: z.array(Name),
    })
    .optional(),
  /** Until when a cleared payment can be claimed with a fresh quote. */
  clearedUntilMs: TimeMs.optional(),
  authorization: Authorization.optional(),
  signature: z.string().optional(),
  stop: z.enum(['vetoed', 'frozen', 'rotated', 'revoked']).optional(),
  settlement: z
    .strictObject({
      level: z.enum(['latest', 'safe', 'final']),
      transactionHash: Bytes32,
      blockNumber: z.int(),
    })
    .optional(),
  delivered: z.boolean(),
  /** What was last reported to have come of it, and who vouches for that. */
  outcome: z.strictObject({ result: OutcomeResult, basis: Basis }).optional(),
  /** The open task it belongs to, and what is left for that one now: 10^-6 of `unit`, null where nothing limits it. */
  task: z
    .strictObject({
      task: Name,
      phase: TaskPhase,
      unit: Unit.nullable(),
      available: Atomic.nullable(),
    })
    .optional(),
  /** The session it was proposed in, and what is left for that one now: 10^-6 of `unit`, null where it has no ceiling. */
  session: z
    .strictObject({
      session: Name,
      state: SessionStanding,
      expiresAtMs: TimeMs,
      unit: Unit.nullable(),
      available: Atomic.nullable(),
    })
    .optional(),
  /** `lane:offset` of the newest record this view contains. */
  position: z.string(),
});
export type PaymentView = z.infer<typeof PaymentView>;

export const TimelineEntry = z.object({
  position: z.string(),
  atMs: TimeMs,
  event: z.string(),
  /** The code with which the fold ignored it, or null where it counted. */
  ignored: z.string().nullable(),
  /** One sentence for people. */
  says: z.string(),
  trace: z.array(TraceLine).optional(),
  /** How the tier has its payments recorded: at depth `decisive` the trace lists only the rules that were met. */
  audit: Audit.optional(),
});
export const Timeline = z.object({ payment: PaymentView, entries: z.array(TimelineEntry) });
export type Timeline = z.infer<typeof Timeline>;

/** What a person sees before deciding; established facts first, the agent's own words last. */
export const ApprovalView = z.object({
  payment: PaymentView,
  payee: z.object({ address: z.string(), seller: z.string(), trust: z.string() }),
  facts: z.array(z.object({ name: z.string(), value: z.string() })),
  trace: z.array(TraceLine),
  /** The agent's words, unchecked. */
  quoted: z.string().optional(),
  /** Whether the person asking may grant. */
  mayGrant: z.boolean(),
  mayVeto: z.boolean(),
});
export type ApprovalView = z.infer<typeof ApprovalView>;

export const Done = z.object({ position: z.string() });
export const Credential = z.object({ position: z.string(), credential: z.string() });
export const PolicySummary = z.object({
  version: z.int(),
  hash: DigestHex,
  by: Name,
  active: z.boolean(),
});
/** `deploying`: not known to stand there; `rotating`: owned by an older key than the newest; such an account pays nothing. */
const AccountState = z.enum(['deploying', 'ready', 'rotating']);
export const WalletView = z.object({
  wallet: Name,
  kind: z.string(),
  address: z.string(),
  /** Of a smart account: its owner's version and x and y, and where it stands. */
  account: z
    .object({
      keyVersion: z.int(),
      owner: z.string(),
      rotating: z.boolean(),
      networks: z.array(z.object({ network: Network, state: AccountState })),
    })
    .optional(),
  /** It signs nothing more, for good: `ordered` until its key is destroyed. */
  revocation: z.enum(['ordered', 'done']).optional(),
  /**
   * Money left it that no record explains, its smart account has another owner, or signatures of it were lost; nothing is
   * signed for it until a person lifts this.
   */
  frozen: z.boolean(),
  balances: z.array(
    z.object({ asset: z.string(), symbol: z.string(), amount: Atomic, decimal: z.string() }),
  ),
});

/** RFC 9457 problem details, with our stable code and whether the same request may succeed later. */
export const Problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.string(),
  retryable: z.boolean(),
  errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
  paymentId: PaymentId.optional(),
});
export type Problem = z.infer<typeof Problem>;
