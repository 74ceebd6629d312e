import { z } from 'zod';
import { Trust } from '../policy-document.ts';
import {
  Address,
  Atomic,
  Block,
  Bytes32,
  Code,
  Commitment,
  DigestHex,
  HostName,
  Name,
  Network,
  PublicKey,
  StatementSignature,
  TimeMs,
} from '../text.ts';
import { SERVICES } from './services.ts';

const signed = { signature: StatementSignature };
const ofWallet = { tenant: Name, wallet: Name };

/** How a wallet signs: with its own secp256k1 key, or as a smart account that a P-256 key owns. */
export const WalletKind = z.enum(['eoa-secp256k1', 'erc1271-p256']);
export type WalletKind = z.infer<typeof WalletKind>;

/** A P-256 public key: x and y. */
const OwnerKey = z.string().regex(/^0x[0-9a-f]{128}$/, 'a P-256 public key, x and y in hex');
const KeyVersion = z.int().positive();
const OwnerSignature = z.string().regex(/^0x[0-9a-f]{128}$/, 'a P-256 signature, r and s in hex');

/** The public keys of an agent that speaks by messages. */
export const MessageKeys = z.strictObject({
  /** ed25519: what the agent signs its messages with. */
  signing: PublicKey,
  /** X25519: what outcomes are sealed to. Without it they never carry a signature. */
  sealing: PublicKey.optional(),
});
export type MessageKeys = z.infer<typeof MessageKeys>;

/** What a person may do. Nobody holds an agent's credential and a person's at once. */
export const Role = z.enum(['approver', 'operator', 'policy_author', 'auditor']);
export type Role = z.infer<typeof Role>;

/** A seller a person registered. A domain counts only together with a registered payee. */
export const Seller = z.strictObject({
  seller: Name,
  domain: HostName,
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

/** A token that left a wallet, as its logs say. */
export const OutflowSeen = z.strictObject({
  network: Network,
  token: Address,
  /** Of the authorization that did it, if one did. */
  nonce: Bytes32.nullable(),
  /** Where it went; null where a nonce was used and nothing moved. */
  to: Address.nullable(),
  value: Atomic.nullable(),
  transactionHash: Bytes32,
  logIndex: z.int().nonnegative(),
  blockNumber: z.int().nonnegative(),
});
export type OutflowSeen = z.infer<typeof OutflowSeen>;

const DelayMs = z.int().nonnegative().max(2_592_000_000);

/** A change that loosens, whole, as the record will have it that brings it into force. */
export const Change = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('policy.activated'),
    version: z.int().positive(),
    hash: DigestHex,
    against: z.int().positive(),
    delayMs: DelayMs,
  }),
  z.strictObject({ kind: z.literal('seller.registered'), seller: Seller }),
  z.strictObject({
    kind: z.literal('person.added'),
    person: Name,
    roles: z.array(Role).min(1),
    credentialDigest: DigestHex,
    publicKey: PublicKey.optional(),
  }),
  z.strictObject({
    kind: z.literal('agent.added'),
    agent: Name,
    wallet: Name,
    credentialDigest: DigestHex,
  }),
  z.strictObject({ kind: z.literal('agent.wallet_added'), agent: Name, wallet: Name }),
]);
export type Change = z.infer<typeof Change>;

const Loosens = z.array(z.string().max(300)).max(100);
/** Id of the `change.scheduled` that waited for this; absent where nothing had to wait. */
const scheduled = { scheduled: DigestHex.optional() };

/** Every record of `control`, by event name. The writing service is in `WRITERS`. */
export const CONTROL_EVENTS = {
  /** The ed25519 key with which a service signs its statements. */
  'key.announced': z.strictObject({
    service: z.enum(SERVICES),
    keyId: z.string().min(1).max(128),
    publicKey: PublicKey,
  }),
  'person.added': z.strictObject({
    tenant: Name,
    person: Name,
    roles: z.array(Role).min(1),
    credentialDigest: DigestHex,
    /** Of the key their credential leads to: what they grant is signed with it. */
    publicKey: PublicKey.optional(),
    by: Name,
    ...scheduled,
    ...signed,
  }),
  'agent.added': z.strictObject({
    tenant: Name,
    agent: Name,
    wallet: Name,
    credentialDigest: DigestHex,
    by: Name,
    ...scheduled,
    ...signed,
  }),
  /** A further wallet, of a kind the agent has none of: which one pays follows from the seller's record. */
  'agent.wallet_added': z.strictObject({
    tenant: Name,
    agent: Name,
    wallet: Name,
    by: Name,
    ...scheduled,
    ...signed,
  }),
  'agent.credential_replaced': z.strictObject({
    tenant: Name,
    agent: Name,
    credentialDigest: DigestHex,
    by: Name,
    ...signed,
  }),
  /** The agent may speak by signed messages from now on, and by no other key; null ends it. */
  'agent.message_keys_set': z.strictObject({
    tenant: Name,
    agent: Name,
    keys: MessageKeys.nullable(),
    by: Name,
    ...signed,
  }),
  /** Somebody may have a wallet; the signer owes its key. */
  'wallet.requested': z.strictObject({
    ...ofWallet,
    by: Name,
    /** `eoa-secp256k1` where it is not said. */
    kind: WalletKind.optional(),
    ...signed,
  }),
  'wallet.created': z.discriminatedUnion('kind', [
    z.strictObject({
      ...ofWallet,
      kind: z.literal('eoa-secp256k1'),
      address: Address,
      ...signed,
    }),
    /** The account's address follows from its first owner; nothing need stand there yet. */
    z.strictObject({
      ...ofWallet,
      kind: z.literal('erc1271-p256'),
      address: Address,
      owner: OwnerKey,
      keyVersion: z.literal(1),
      ...signed,
    }),
  ]),
  /** At a finalized block the account stands on this network, owned by the key it was made for. */
  'wallet.deployed': z.strictObject({
    ...ofWallet,
    network: Network,
    owner: OwnerKey,
    at: Block,
    ...signed,
  }),
  /** The wallet signs nothing more, what it signed is canceled, and then its accounts go to a new key. */
  'wallet.rotation_ordered': z.strictObject({ ...ofWallet, by: Name, ...signed }),
  /** The key the accounts are to go to. */
  'wallet.key_renewed': z.strictObject({
    ...ofWallet,
    owner: OwnerKey,
    keyVersion: KeyVersion,
    ...signed,
  }),
  /** The handing over of the account on one network, for settlement to relay. */
  'wallet.rotation_signed': z.strictObject({
    ...ofWallet,
    network: Network,
    /** How often the account was handed over before. */
    rotation: z.int().nonnegative(),
    /** The key it goes to. */
    keyVersion: KeyVersion,
    /** Of the present owner. */
    bytes: OwnerSignature,
    /** Of the new owner, over the same. */
    acceptance: OwnerSignature,
    ...signed,
  }),
  /** At a finalized block this key owns the account. */
  'wallet.rotated': z.strictObject({
    ...ofWallet,
    network: Network,
    owner: OwnerKey,
    keyVersion: KeyVersion,
    at: Block,
    ...signed,
  }),
  /** The wallet signs nothing more, for good; what it signed is canceled, and then its key is destroyed. */
  'wallet.revoke_ordered': z.strictObject({ ...ofWallet, by: Name, ...signed }),
  /** Nothing it signed can be used any more, and its key is destroyed: what it holds is never moved again. */
  'wallet.revoked': z.strictObject({ ...ofWallet, ...signed }),
  /** Money left a wallet, and no record says why: whoever did it has its key, or can sign in its name. */
  'wallet.frozen': z.strictObject({ tenant: Name, wallet: Name, outflow: OutflowSeen, ...signed }),
  /** At a finalized block the account is owned by a key that no record gave it to: the wallet is frozen. */
  'wallet.taken': z.strictObject({
    ...ofWallet,
    network: Network,
    owner: OwnerKey,
    at: Block,
    ...signed,
  }),
  /** A person has looked and lets the wallet pay again. */
  'wallet.unfrozen': z.strictObject({ tenant: Name, wallet: Name, by: Name, ...signed }),
  /** Every outflow of our wallets on this network is in the log, or has frozen its wallet, up to this final block. */
  'outflows.scanned': z.strictObject({ network: Network, through: Block, ...signed }),
  /**
   * The signer has signed what is in no record: the log is an older copy of itself. Whatever stopped, limited or was
   * signed since is lost, so nobody's payments are signed until a person of the tenant has looked.
   */
  'restore.detected': z.strictObject({
    /** Names this loss: over what is missing. */
    digest: DigestHex,
    /** How many authorizations the signer signed that the log does not hold. */
    missing: z.int().positive(),
    /** Wallets they were signed for; each is frozen. */
    wallets: z.array(z.strictObject({ tenant: Name, wallet: Name })).max(10_000),
    ...signed,
  }),
  /** A person has looked at what was lost, and lets the tenant's payments go on. Frozen wallets stay frozen. */
  'restore.accepted': z.strictObject({ tenant: Name, digest: DigestHex, by: Name, ...signed }),
  /** The outcomes of its payments say that a facilitator is not worth presenting to, until then. */
  'facilitator.tripped': z.strictObject({
    tenant: Name,
    /** Network and payee, or `self` for what we present ourselves: `eip155:8453/0x…`, `eip155:8453/self`. */
    facilitator: z.string().min(1).max(100),
    why: z.enum(['consecutive_failures', 'failure_rate', 'ambiguity']),
    sinceMs: TimeMs,
    untilMs: TimeMs,
    ...signed,
  }),
  /** People were told of something that is not about one payment, so that it is not told again. */
  'alert.sent': z.strictObject({
    tenant: Name,
    /** What it is about, such as `wallet/w1/2`. */
    subject: z.string().min(1).max(200),
    code: Code,
    severity: z.enum(['info', 'warning', 'critical']),
  }),
  'seller.registered': z.strictObject({
    tenant: Name,
    seller: Seller,
    by: Name,
    ...scheduled,
    ...signed,
  }),
  'seller.removed': z.strictObject({ tenant: Name, seller: Name, by: Name, ...signed }),
  /** It comes into force no sooner than the policy's delay after this record, by log time, and may be canceled until then. */
  'change.scheduled': z.strictObject({
    tenant: Name,
    change: Change,
    /** What it loosens, a sentence each. */
    loosens: Loosens,
    by: Name,
    ...signed,
  }),
  'change.canceled': z.strictObject({
    tenant: Name,
    /** Id of the record that scheduled it. */
    change: DigestHex,
    /** Who canceled it; `policy` itself where it can no longer be made. */
    by: Name,
    ...signed,
  }),
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
    /** What the change loosens, a sentence each; empty where it only tightens. Absent in records of the first version. */
    loosens: Loosens.optional(),
    /** The version in force that it was compared with. */
    against: z.int().positive().optional(),
    /** How long what loosens waits under it, as its text says; 0 where absent. */
    delayMs: DelayMs.optional(),
    ...scheduled,
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
