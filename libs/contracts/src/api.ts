import { z } from 'zod';
import { Role, Seller, WalletKind } from './events/control-events.ts';
import { Verdict } from './decision.ts';
import {
  ApprovalView,
  Credential,
  Done,
  PaymentStatus,
  PaymentView,
  PolicySummary,
  ProposeBody,
  Timeline,
  WalletView,
} from './api-views.ts';
import { Address, Atomic, DigestHex, Name, Network, PaymentId } from './text.ts';

/** Whose credential a route takes. `anyone` needs none. */
export type Caller = 'agent' | Role | 'anyone';

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
    answer: z.object({ payments: z.array(PaymentView), asOf: z.array(z.string()) }),
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
    answer: z.object({
      agents: z.array(
        z.object({
          agent: Name,
          /** Its first wallet, and where that stands. */
          wallet: Name,
          address: z.string(),
          wallets: z.array(Name),
          frozen: z.boolean(),
        }),
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
  addAgentWallet: {
    service: 'policy',
    method: 'POST',
    path: '/v1/agents/:agent/wallets',
    who: ['operator'],
    summary: "Give an agent a wallet of a further kind; the seller's record decides which one pays",
    body: z.strictObject({ wallet: Name }),
    answer: Done,
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
    answer: z.object({ position: z.string(), tooLate: z.array(PaymentId) }),
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
    answer: z.object({ sellers: z.array(Seller) }),
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
    answer: z.object({ policies: z.array(PolicySummary) }),
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
    answer: PolicySummary.extend({
      position: z.string(),
      /** What it allows that the version before did not, a sentence each; empty where it only tightens. */
      loosens: z.array(z.string()),
    }),
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
    body: z.strictObject({ wallet: Name, kind: WalletKind.optional() }),
    answer: z.object({ position: z.string(), address: z.string() }),
  },
  rotateWallet: {
    service: 'policy',
    method: 'POST',
    path: '/v1/wallets/:wallet/rotate',
    who: ['operator'],
    summary: 'Give a smart account to a new key; it signs nothing until that is final',
    answer: Done,
  },
  readWallet: {
    service: 'settlement',
    method: 'GET',
    path: '/v1/wallets/:wallet',
    who: people,
    summary: 'Address and balances',
    answer: WalletView,
  },
  listApprovals: {
    service: 'approval',
    method: 'GET',
    path: '/v1/approvals',
    who: people,
    summary: 'Payments that wait for people',
    answer: z.object({ approvals: z.array(ApprovalView) }),
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
    answer: z.object({
      ignored: z.array(z.object({ position: z.string(), code: z.string(), detail: z.string() })),
    }),
  },
  readHeads: {
    service: 'recorder',
    method: 'GET',
    path: '/v1/log/heads',
    who: people,
    summary: 'Length and running hash of every lane',
    answer: z.object({
      logId: z.string(),
      lanes: z.array(z.object({ lane: z.string(), length: z.int(), head: DigestHex })),
    }),
  },
} as const satisfies Record<string, Route>;

export type RouteName = keyof typeof ROUTES;
