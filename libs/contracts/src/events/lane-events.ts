import { z } from 'zod';
import { Decision } from '../decision.ts';
import { Quote, Resource } from '../quote.ts';
import { Basis, CostKind, OutcomeResult, Reference, TaskPhase, Unit, taskTerms } from '../task.ts';
import {
  Address,
  Atomic,
  Block,
  Bytes32,
  Code,
  Commitment,
  DigestHex,
  Ed25519Signature,
  MessageId,
  Name,
  PaymentId,
  SessionName,
  StatementSignature,
} from '../text.ts';

const owner = { tenant: Name, agent: Name };
const ofPayment = { ...owner, paymentId: PaymentId };
const ofTask = { ...owner, task: Name };
const ofSession = { ...owner, session: SessionName };
const signed = { signature: StatementSignature };

/** The one live authorization of a payment, complete, as EIP-3009 has it. Times are seconds of block time. */
export const Authorization = z.strictObject({
  chainId: z.int().positive(),
  token: Address,
  from: Address,
  to: Address,
  value: Atomic,
  nonce: Bytes32,
  validAfter: z.int().nonnegative(),
  validBefore: z.int().positive(),
});
export type Authorization = z.infer<typeof Authorization>;

const SESSION_DAYS_MAX = 366;
const SessionLifetimeMs = z
  .int()
  .positive()
  .max(SESSION_DAYS_MAX * 86_400_000);

/** What a wallet signed: 65 bytes of an account, or a contract's own form. */
const SignatureBytes = z.string().regex(/^0x(?:[0-9a-f]{2}){64,4096}$/);
const Transfer = z.strictObject({
  transactionHash: Bytes32,
  logIndex: z.int().nonnegative(),
  block: Block,
});

/** Every record a lane may hold, by event name. The writing service is in {@link WRITERS}. */
export const LANE_EVENTS = {
  /** This lane sees `control` exactly up to offset `through` from here on. */
  'mark.made': z.strictObject({
    lane: z.int().nonnegative(),
    through: z.int().nonnegative(),
    ...signed,
  }),

  'intent.submitted': z.strictObject({
    ...ofPayment,
    kind: z.enum(['payment', 'withdrawal']),
    /** Digest of what is bought (`purchaseDigest`), and how often it was bought before. */
    purchase: DigestHex,
    ordinal: z.int().nonnegative(),
    idempotencyKeyDigest: DigestHex.optional(),
    /** Digest of all fields of the request: the same key with another digest is refused. */
    requestDigest: DigestHex,
    quote: Quote,
    resource: Resource,
    again: z.boolean(),
    asserted: z.strictObject({
      category: Name.optional(),
      expectedAmount: Atomic.optional(),
      task: Name.optional(),
      session: Name.optional(),
    }),
    /** The agent's own words; data, never a condition. */
    purpose: Commitment.optional(),
    /** The agent's message that brought it, where it came as one. */
    messageId: MessageId.optional(),
    /** The person who let that message be handled once more. */
    resubmittedBy: Name.optional(),
    /** The person who ordered a withdrawal. */
    orderedBy: Name.optional(),
  }),

  /** A fresh quote for a cleared payment. */
  'payment.claimed': z.strictObject({
    ...ofPayment,
    round: z.int().positive(),
    quote: Quote,
    resource: Resource,
  }),
  'delivery.reported': z.strictObject({
    ...ofPayment,
    /** Status of the seller's answer. */
    status: z.int().min(200).max(299),
    responseDigest: DigestHex.optional(),
    /** It counts while a renewal is being signed, too; a report without it never did, and what was ignored stays so. */
    duringRenewal: z.literal(true).optional(),
    ...signed,
  }),

  /** The agent may name this session until `lifetimeMs` after this record, by log time. A name is used once. */
  'session.opened': z.strictObject({
    ...ofSession,
    lifetimeMs: SessionLifetimeMs,
    /** Most that its payments may come to, in 10^-6 of `unit`. */
    ceiling: Atomic.optional(),
    unit: Unit.optional(),
    by: Name,
    ...signed,
  }),
  /** Nothing more is decided in its name, and what was decided and not yet authorized is decided again. */
  'session.closed': z.strictObject({ ...ofSession, by: Name }),

  'task.opened': z.strictObject({
    ...ofTask,
    by: Name,
    ...taskTerms,
    /** Left out by the first version, which knew no phases. */
    phase: TaskPhase.extract(['exploring', 'executing']).optional(),
    ...signed,
  }),
  'task.closed': z.strictObject({ ...ofTask, by: Name }),
  /** Replaces what the task is allowed: what is left out is no longer limited. */
  'task.terms_set': z.strictObject({ ...ofTask, by: Name, ...taskTerms, ...signed }),
  /** What the agent means to do. Nothing follows from it until a person commits exactly this text. */
  'task.plan_submitted': z.strictObject({
    ...ofTask,
    plan: Commitment,
    /** What the agent expects it to cost, in 10^-6 of the task's unit. */
    estimate: Atomic.optional(),
    ...signed,
  }),
  'task.plan_committed': z.strictObject({
    ...ofTask,
    /** The commitment to the text the person was shown. */
    plan: DigestHex,
    by: Name,
    ...signed,
  }),
  'task.phase_set': z.strictObject({
    ...ofTask,
    /** On to execution, or back to exploring, which takes back the committed plan. */
    to: TaskPhase.extract(['exploring', 'executing']),
    by: Name,
    ...signed,
  }),
  /** A cost that is no payment of the task, in 10^-6 of its unit. Asserted ones count against the task, never for it. */
  'task.cost_recorded': z.strictObject({
    ...ofTask,
    reference: Reference,
    kind: CostKind,
    amount: Atomic,
    basis: Basis,
    by: Name,
    note: Commitment.optional(),
    ...signed,
  }),
  /** What came of payments, or of a whole task. */
  'outcome.recorded': z.strictObject({
    ...owner,
    task: Name.optional(),
    payments: z.array(PaymentId).max(100),
    reference: Reference,
    result: OutcomeResult,
    /** What it is worth, in 10^-6 of the task's unit. */
    value: Atomic.optional(),
    basis: Basis,
    by: Name,
    note: Commitment.optional(),
    ...signed,
  }),
  'task.alerted': z.strictObject({
    ...ofTask,
    code: Code,
    severity: z.enum(['info', 'warning', 'critical']),
    /** The commitment to the plan that people were told of, where it is about one. */
    plan: DigestHex.optional(),
  }),
  'agent.frozen': z.strictObject({ ...owner, by: Name, reason: Commitment.optional() }),
  'agent.unfrozen': z.strictObject({ ...owner, by: Name, ...signed }),

  'decision.made': z.strictObject({
    ...ofPayment,
    round: z.int().nonnegative(),
    /** The lane's mark when the facts were taken. */
    through: z.int().nonnegative(),
    decision: Decision,
    /** What follows for the payment: signed as it is, people are asked, or it ends. */
    proceed: z.enum(['authorize', 'ask', 'end']),
    ...signed,
  }),
  'reservation.ended': z.strictObject({
    ...ofPayment,
    how: z.enum(['committed', 'released']),
  }),

  /** A notification was accepted for delivery: the veto window opens at this record's log time. */
  'approval.opened': z.strictObject({ ...ofPayment, round: z.int().nonnegative(), ...signed }),
  'approval.granted': z.strictObject({
    ...ofPayment,
    person: Name,
    /** The terms the person saw. */
    quoteDigest: DigestHex,
    decisionId: DigestHex,
    /** The person's own signature (see `grantText`), apart from that of the service. */
    proof: Ed25519Signature.optional(),
    ...signed,
  }),
  'approval.vetoed': z.strictObject({
    ...ofPayment,
    person: Name,
    reason: Commitment.optional(),
  }),
  'approval.completed': z.strictObject({ ...ofPayment, round: z.int().nonnegative() }),
  'approval.expired': z.strictObject({
    ...ofPayment,
    cause: z.enum(['unanswered', 'not_notified', 'unclaimed']),
  }),

  'authorization.fixed': z.strictObject({
    ...ofPayment,
    decisionId: DigestHex,
    walletId: Name,
    authorization: Authorization,
    /** Head of the chain when it was fixed: the window derives from its time, evidence is searched from it on. */
    atBlock: z.int().nonnegative(),
    ...signed,
  }),
  /** The agent came back for an authorization whose time is running out, or has run out. */
  'renewal.requested': z.strictObject({ ...ofPayment, authorizationDigest: DigestHex }),
  /**
   * The same authorization with a later `validBefore`, and nothing else changed. The earlier one stays valid until its
   * own end; having one nonce, at most one of them moves money.
   */
  'authorization.renewed': z.strictObject({
    ...ofPayment,
    /** Digest of the authorization it takes the place of. */
    renews: DigestHex,
    authorization: Authorization,
    ...signed,
  }),
  'signing.completed': z.strictObject({
    ...ofPayment,
    authorizationDigest: DigestHex,
    /** The wallet's signature, a bearer token: shown to the owning agent only, until the payment is final. */
    bytes: SignatureBytes,
    ...signed,
  }),
  /** The signer will not sign this payment, whatever happens next; for a signed one, it will not renew it. */
  'signing.refused': z.strictObject({
    ...ofPayment,
    /** The allowance that was refused; a later one may fare better. */
    decisionId: DigestHex,
    code: Code,
    why: z.string().max(500),
    ...signed,
  }),
  /** A signed `CancelAuthorization` for settlement to relay. */
  'cancellation.signed': z.strictObject({
    ...ofPayment,
    bytes: SignatureBytes,
    ...signed,
  }),

  /** Settlement is about to send the authorization (or its cancellation) to the chain itself. */
  'settlement.submitted': z.strictObject({
    ...ofPayment,
    what: z.enum(['transfer', 'cancellation']),
  }),
  'settlement.observed': z.strictObject({
    ...ofPayment,
    level: z.enum(['latest', 'safe']),
    transfer: Transfer,
    ...signed,
  }),
  /** What was observed is no longer on the chain. */
  'settlement.reverted': z.strictObject({ ...ofPayment, head: Block, ...signed }),
  'settlement.final': z.strictObject({ ...ofPayment, transfer: Transfer, ...signed }),
  /** Finalized block time is past `validBefore` and the nonce is unused: it can never be paid. */
  'authorization.void': z.strictObject({ ...ofPayment, finalized: Block, ...signed }),
  'authorization.canceled': z.strictObject({ ...ofPayment, transfer: Transfer, ...signed }),
  /** The nonce was used by something that is not the recorded transfer. Nothing is released. */
  'settlement.mismatched': z.strictObject({
    ...ofPayment,
    found: z.string().max(1_000),
    ...signed,
  }),

  'alert.raised': z.strictObject({
    ...ofPayment,
    code: Code,
    severity: z.enum(['info', 'warning', 'critical']),
  }),
} as const;
