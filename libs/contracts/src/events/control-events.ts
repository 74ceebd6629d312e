import { z } from 'zod';
import { Trust } from '../decision.ts';
import {
  Address,
  Atomic,
  Commitment,
  DigestHex,
  Name,
  Network,
  StatementSignature,
} from '../text.ts';

const signed = { signature: StatementSignature };

/** What a person may do. Nobody holds an agent's credential and a person's at once. */
export const Role = z.enum(['approver', 'operator', 'policy_author', 'auditor']);
export type Role = z.infer<typeof Role>;

/** A seller a person registered. A domain counts only together with a registered payee. */
export const Seller = z.strictObject({
  seller: Name,
  domain: z.string().regex(/^[a-z0-9]([a-z0-9.:-]{0,251}[a-z0-9])?$/, 'a host name in ASCII'),
  payTo: z
    .array(z.strictObject({ network: Network, address: Address }))
    .min(1)
    .max(50),
  trust: Trust.exclude(['unknown']),
  category: Name,
  jurisdiction: z.string().regex(/^[A-Z]{2}$/, 'an ISO 3166 country code'),
  /** What kind of payer the seller can take; decides which wallet signs. */
  takes: z.enum(['eoa', 'any']),
  /** Per path prefix: another category, and the price to expect in atomic units of the asset. */
  routes: z
    .array(
      z.strictObject({
        path: z.string().startsWith('/').max(512),
        category: Name.optional(),
        expectedAmount: Atomic.optional(),
      }),
    )
    .max(500),
});
export type Seller = z.infer<typeof Seller>;

/** Every record of `control`, by event name. All are written by policy, except wallets, which the signer creates. */
export const CONTROL_EVENTS = {
  /** The ed25519 key with which a service signs its statements. */
  'key.announced': z.strictObject({
    service: z.enum(['intake', 'policy', 'approval', 'signer', 'settlement', 'recorder']),
    keyId: z.string().min(1).max(128),
    publicKey: z.string().regex(/^[A-Za-z0-9_-]{43}$/, 'an ed25519 public key in base64url'),
  }),
  'person.added': z.strictObject({
    tenant: Name,
    person: Name,
    roles: z.array(Role).min(1),
    credentialDigest: DigestHex,
    by: Name,
    ...signed,
  }),
  'agent.added': z.strictObject({
    tenant: Name,
    agent: Name,
    wallet: Name,
    credentialDigest: DigestHex,
    by: Name,
    ...signed,
  }),
  'agent.credential_replaced': z.strictObject({
    tenant: Name,
    agent: Name,
    credentialDigest: DigestHex,
    by: Name,
    ...signed,
  }),
  /** Somebody may have a wallet; the signer owes its key. */
  'wallet.requested': z.strictObject({ tenant: Name, wallet: Name, by: Name, ...signed }),
  'wallet.created': z.strictObject({
    tenant: Name,
    wallet: Name,
    kind: z.literal('eoa-secp256k1'),
    address: Address,
    ...signed,
  }),
  'seller.registered': z.strictObject({ tenant: Name, seller: Seller, by: Name, ...signed }),
  'seller.removed': z.strictObject({ tenant: Name, seller: Name, by: Name, ...signed }),
  'policy.put': z.strictObject({
    tenant: Name,
    version: z.int().positive(),
    hash: DigestHex,
    /** The exact text the author wrote; `hash` is over its UTF-8 bytes. */
    text: z.string().max(1_000_000),
    by: Name,
    ...signed,
  }),
  'policy.activated': z.strictObject({
    tenant: Name,
    version: z.int().positive(),
    hash: DigestHex,
    by: Name,
    ...signed,
  }),
  'tenant.frozen': z.strictObject({
    tenant: Name,
    by: Name,
    reason: Commitment.optional(),
    ...signed,
  }),
  'tenant.unfrozen': z.strictObject({ tenant: Name, by: Name, ...signed }),
  /** The offset of this record is the new epoch of the budget counters. */
  'budget.epoch': z.strictObject({ tenant: Name, why: z.string().max(200), ...signed }),
} as const;
