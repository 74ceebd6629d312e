import { z } from 'zod';
import { Role, Seller } from './events/control-events.ts';
import { Authorization } from './events/lane-events.ts';
import { Requirement, TraceLine, Verdict } from './decision.ts';
import { Quote, Resource } from './quote.ts';
import { Address, Atomic, Bytes32, DigestHex, Name, Network, PaymentId, TimeMs } from './text.ts';

/** Whose credential a route takes. `anyone` needs none. */
export type Caller = 'agent' | Role | 'anyone';

/** What an agent proposes to pay. Everything but quote and resource is asserted: it may tighten, never widen. */
export const ProposeBody = z.strictObject({
  quote: Quote,
  resource: Resource,
  task: Name.optional(),
  category: Name.optional(),
  /** Price the agent expects, in atomic units of the quoted asset. */
  expectedAmount: Atomic.optional(),
  purpose: z.string().min(1).max(500).optional(),
  /** Buy again what is unresolved, where policy allows it. */
  again: z.boolean().optional(),
});
export type ProposeBody = z.infer<typeof ProposeBody>;

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

/** One payment as its agent, its approvers and operators see it. The signature goes to the owning agent only. */
export const PaymentView = z.strictObject({
  id: PaymentId,
  agent: Name,
  kind: z.enum(['payment', 'withdrawal']),
  status: PaymentStatus,
  /** Nothing will change any more. */
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
  stop: z.enum(['vetoed', 'frozen']).optional(),
  settlement: z
    .strictObject({
      level: z.enum(['latest', 'safe', 'final']),
      transactionHash: Bytes32,
      blockNumber: z.int(),
    })
    .optional(),
  delivered: z.boolean(),
  /** `lane:offset` of the newest record this view contains. */
  position: z.string(),
});
export type PaymentView = z.infer<typeof PaymentView>;

export const TimelineEntry = z.strictObject({
  position: z.string(),
  atMs: TimeMs,
  event: z.string(),
  /** The code with which the fold ignored it, or null where it counted. */
  ignored: z.string().nullable(),
  /** One sentence for people. */
  says: z.string(),
  trace: z.array(TraceLine).optional(),
});
export const Timeline = z.strictObject({ payment: PaymentView, entries: z.array(TimelineEntry) });
export type Timeline = z.infer<typeof Timeline>;

/** What a person sees before deciding; established facts first, the agent's own words last. */
export const ApprovalView = z.strictObject({
  payment: PaymentView,
  payee: z.strictObject({ address: z.string(), seller: z.string(), trust: z.string() }),
  facts: z.array(z.strictObject({ name: z.string(), value: z.string() })),
  trace: z.array(TraceLine),
  /** The agent's words, unchecked. */
  quoted: z.string().optional(),
  /** Whether the person asking may grant. */
  mayGrant: z.boolean(),
  mayVeto: z.boolean(),
});
export type ApprovalView = z.infer<typeof ApprovalView>;

const Done = z.strictObject({ position: z.string() });
const Credential = z.strictObject({ position: z.string(), credential: z.string() });
const PolicySummary = z.strictObject({
  version: z.int(),
  hash: DigestHex,
  by: Name,
  active: z.boolean(),
});
const Wallet = z.strictObject({
  wallet: Name,
  kind: z.string(),
  address: z.string(),
  balances: z.array(
    z.strictObject({ asset: z.string(), symbol: z.string(), amount: Atomic, decimal: z.string() }),
  ),
});

export interface Route {
  readonly service: 'intake' | 'policy' | 'approval' | 'settlement' | 'recorder';
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Parameters as `:name`. */
  readonly path: string;
  readonly who: readonly Caller[];
  readonly summary: string;
  readonly body?: z.ZodType;
  readonly query?: z.ZodObject;
  readonly answer: z.ZodType;
}

const everybody = ['agent', 'approver', 'operator', 'policy_author', 'auditor'] as const;
const people = ['approver', 'operator', 'policy_author', 'auditor'] as const;

/** Every route of the product: the one source of guards, validation and the OpenAPI document. */
export const ROUTES = {
  proposePayment: {
    service: 'intake',
    method: 'POST',
    path: '/v1/payments',
    who: ['agent'],
    summary: 'Propose a payment, or claim one that people cleared',
    body: ProposeBody,
    answer: PaymentView,
  },
  listPayments: {
    service: 'intake',
    method: 'GET',
    path: '/v1/payments',
    who: everybody,
    summary: 'Payments, newest first; an agent sees its own',
    query: z.strictObject({
      agent: Name.optional(),
      status: PaymentStatus.optional(),
      limit: z.coerce.number().int().min(1).max(200).default(50),
      before: PaymentId.optional(),
    }),
    answer: z.strictObject({ payments: z.array(PaymentView), asOf: z.array(z.string()) }),
  },
  readPayment: {
    service: 'intake',
    method: 'GET',
    path: '/v1/payments/:id',
    who: everybody,
    summary: 'One payment',
    answer: PaymentView,
  },
  explainPayment: {
    service: 'intake',
    method: 'GET',
    path: '/v1/payments/:id/timeline',
    who: everybody,
    summary: 'Everything that was recorded about a payment, and why',
    answer: Timeline,
  },
  reportDelivery: {
    service: 'intake',
    method: 'POST',
    path: '/v1/payments/:id/delivery',
    who: ['agent'],
    summary: 'What was paid for arrived; the same purchase may be made again',
    body: z.strictObject({
      status: z.int().min(200).max(299),
      responseDigest: DigestHex.optional(),
    }),
    answer: Done,
  },
  openTask: {
    service: 'intake',
    method: 'POST',
    path: '/v1/agents/:agent/tasks',
    who: ['operator'],
    summary: 'Open a task that the agent may name',
    body: z.strictObject({ task: Name }),
    answer: Done,
  },
  closeTask: {
    service: 'intake',
    method: 'DELETE',
    path: '/v1/agents/:agent/tasks/:task',
    who: ['operator'],
    summary: 'Close a task',
    answer: Done,
  },
  withdraw: {
    service: 'intake',
    method: 'POST',
    path: '/v1/wallets/:wallet/withdrawals',
    who: ['operator'],
    summary:
      'Move funds to the treasury; any other address than the one the policy names is denied',
    body: z.strictObject({ network: Network, asset: Address, amount: Atomic, to: Address }),
    answer: PaymentView,
  },
  listAgents: {
    service: 'policy',
    method: 'GET',
    path: '/v1/agents',
    who: people,
    summary: 'Agents, their wallets and whether they are frozen',
    answer: z.strictObject({
      agents: z.array(
        z.strictObject({ agent: Name, wallet: Name, address: z.string(), frozen: z.boolean() }),
      ),
    }),
  },
  addAgent: {
    service: 'policy',
    method: 'POST',
    path: '/v1/agents',
    who: ['operator'],
    summary: 'Add an agent with a wallet; its credential is shown once',
    body: z.strictObject({ agent: Name, wallet: Name }),
    answer: Credential,
  },
  replaceAgentCredential: {
    service: 'policy',
    method: 'POST',
    path: '/v1/agents/:agent/credential',
    who: ['operator'],
    summary: "Replace an agent's credential; the old one stops working",
    answer: Credential,
  },
  freezeAgent: {
    service: 'policy',
    method: 'POST',
    path: '/v1/agents/:agent/freeze',
    who: ['operator', 'approver'],
    summary: 'Stop every payment of an agent; in force when answered',
    body: z.strictObject({ reason: z.string().max(500).optional() }),
    answer: z.strictObject({ position: z.string(), tooLate: z.array(PaymentId) }),
  },
  unfreezeAgent: {
    service: 'policy',
    method: 'POST',
    path: '/v1/agents/:agent/unfreeze',
    who: ['operator'],
    summary: 'Lift the freeze of an agent',
    answer: Done,
  },
  freezeAll: {
    service: 'policy',
    method: 'POST',
    path: '/v1/freeze',
    who: ['operator', 'approver'],
    summary: 'Stop every payment; in force when answered',
    body: z.strictObject({ reason: z.string().max(500).optional() }),
    answer: Done,
  },
  unfreezeAll: {
    service: 'policy',
    method: 'POST',
    path: '/v1/unfreeze',
    who: ['operator'],
    summary: 'Lift the freeze of everything',
    answer: Done,
  },
  addPerson: {
    service: 'policy',
    method: 'POST',
    path: '/v1/people',
    who: ['operator'],
    summary: 'Add a person with roles; the credential is shown once',
    body: z.strictObject({ person: Name, roles: z.array(Role).min(1) }),
    answer: Credential,
  },
  listSellers: {
    service: 'policy',
    method: 'GET',
    path: '/v1/sellers',
    who: people,
    summary: 'Registered sellers',
    answer: z.strictObject({ sellers: z.array(Seller) }),
  },
  registerSeller: {
    service: 'policy',
    method: 'PUT',
    path: '/v1/sellers/:seller',
    who: ['operator'],
    summary: 'Register a seller, or replace its record',
    body: Seller.omit({ seller: true }),
    answer: Done,
  },
  removeSeller: {
    service: 'policy',
    method: 'DELETE',
    path: '/v1/sellers/:seller',
    who: ['operator'],
    summary: 'Remove a seller; its payments count as to an unknown one',
    answer: Done,
  },
  listPolicies: {
    service: 'policy',
    method: 'GET',
    path: '/v1/policies',
    who: people,
    summary: 'Policy versions',
    answer: z.strictObject({ policies: z.array(PolicySummary) }),
  },
  readPolicy: {
    service: 'policy',
    method: 'GET',
    path: '/v1/policies/:version',
    who: people,
    summary: 'The exact text of one version',
    answer: PolicySummary.extend({ text: z.string() }),
  },
  putPolicy: {
    service: 'policy',
    method: 'POST',
    path: '/v1/policies',
    who: ['policy_author'],
    summary: 'Add a version (YAML or JSON text); nothing changes until it is activated',
    body: z.strictObject({ text: z.string().min(1).max(1_000_000) }),
    answer: PolicySummary.extend({ position: z.string() }),
  },
  activatePolicy: {
    service: 'policy',
    method: 'POST',
    path: '/v1/policies/:version/activate',
    who: ['policy_author'],
    summary: 'Put a version in force; in force everywhere when answered',
    answer: PolicySummary.extend({ position: z.string() }),
  },
  evaluatePolicy: {
    service: 'policy',
    method: 'POST',
    path: '/v1/policies/evaluate',
    who: ['policy_author', 'operator', 'auditor'],
    summary: 'What would be decided now, without effect',
    body: ProposeBody.extend({ agent: Name, version: z.int().positive().optional() }),
    answer: Verdict,
  },
  requestWallet: {
    service: 'policy',
    method: 'POST',
    path: '/v1/wallets',
    who: ['operator'],
    summary: 'Create a wallet; the signer makes its key',
    body: z.strictObject({ wallet: Name }),
    answer: z.strictObject({ position: z.string(), address: z.string() }),
  },
  readWallet: {
    service: 'settlement',
    method: 'GET',
    path: '/v1/wallets/:wallet',
    who: people,
    summary: 'Address and balances',
    answer: Wallet,
  },
  listApprovals: {
    service: 'approval',
    method: 'GET',
    path: '/v1/approvals',
    who: people,
    summary: 'Payments that wait for people',
    answer: z.strictObject({ approvals: z.array(ApprovalView) }),
  },
  readApproval: {
    service: 'approval',
    method: 'GET',
    path: '/v1/approvals/:id',
    who: people,
    summary: 'One payment with the exact quote to decide on',
    answer: ApprovalView,
  },
  grant: {
    service: 'approval',
    method: 'POST',
    path: '/v1/approvals/:id/grant',
    who: ['approver'],
    summary: 'Grant exactly what was shown',
    body: z.strictObject({ quoteDigest: DigestHex, decisionId: DigestHex }),
    answer: PaymentView,
  },
  veto: {
    service: 'approval',
    method: 'POST',
    path: '/v1/approvals/:id/veto',
    who: ['approver', 'operator'],
    summary: 'Stop a payment',
    body: z.strictObject({ reason: z.string().max(500).optional() }),
    answer: PaymentView,
  },
  listIgnored: {
    service: 'recorder',
    method: 'GET',
    path: '/v1/log/ignored',
    who: ['operator', 'auditor'],
    summary: 'Records the fold did not apply, with their codes',
    answer: z.strictObject({
      ignored: z.array(
        z.strictObject({ position: z.string(), code: z.string(), detail: z.string() }),
      ),
    }),
  },
  readHeads: {
    service: 'recorder',
    method: 'GET',
    path: '/v1/log/heads',
    who: people,
    summary: 'Length and running hash of every lane',
    answer: z.strictObject({
      logId: z.string(),
      lanes: z.array(z.strictObject({ lane: z.string(), length: z.int(), head: DigestHex })),
    }),
  },
} as const satisfies Record<string, Route>;

export type RouteName = keyof typeof ROUTES;

/** RFC 9457 problem details, with our stable code and whether the same request may succeed later. */
export const Problem = z.strictObject({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.string(),
  retryable: z.boolean(),
  errors: z.array(z.strictObject({ path: z.string(), message: z.string() })).optional(),
  paymentId: PaymentId.optional(),
});
export type Problem = z.infer<typeof Problem>;
