import { z } from 'zod';
import { MessageKeys, Role, Seller } from './events/control-events.ts';
import { type Route, people } from './api-route.ts';
import { scheduled } from './api-changes.ts';
import { Credential, Done } from './api-views.ts';
import { Name, PaymentId } from './text.ts';

/** Routes about who acts: agents, people and sellers, and what stops them. */
export const PRINCIPAL_ROUTES = {
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
    answer: Credential.extend(scheduled),
  },
  addAgentWallet: {
    service: 'policy',
    method: 'POST',
    path: '/v1/agents/:agent/wallets',
    who: ['operator'],
    summary: "Give an agent a wallet of a further kind; the seller's record decides which one pays",
    body: z.strictObject({ wallet: Name }),
    answer: Done.extend(scheduled),
  },
  replaceAgentCredential: {
    service: 'policy',
    method: 'POST',
    path: '/v1/agents/:agent/credential',
    who: ['operator'],
    summary: "Replace an agent's credential; the old one stops working",
    answer: Credential,
  },
  setAgentMessageKeys: {
    service: 'policy',
    method: 'PUT',
    path: '/v1/agents/:agent/message-keys',
    who: ['operator'],
    summary: 'Let an agent speak by messages signed with this key, and by no other; null ends it',
    body: z.strictObject({ keys: MessageKeys.nullable() }),
    answer: Done,
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
    answer: Credential.extend(scheduled),
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
    answer: Done.extend(scheduled),
  },
  removeSeller: {
    service: 'policy',
    method: 'DELETE',
    path: '/v1/sellers/:seller',
    who: ['operator'],
    summary: 'Remove a seller; its payments count as to an unknown one',
    answer: Done,
  },
  listFacilitators: {
    service: 'settlement',
    method: 'GET',
    path: '/v1/facilitators',
    who: people,
    summary: 'Who settles payments, what came of the last ones, and whether a breaker is open',
    answer: z.object({
      facilitators: z.array(
        z.object({
          /** Network and payee, or `self` for what we present ourselves. */
          facilitator: z.string(),
          state: z.enum(['closed', 'open', 'half_open']),
          why: z.enum(['consecutive_failures', 'failure_rate', 'ambiguity']).optional(),
          untilMs: z.int().optional(),
          settled: z.int(),
          failed: z.int(),
          ambiguous: z.int(),
        }),
      ),
    }),
  },
} as const satisfies Record<string, Route>;
