import { type Role, assetId } from '@countersign/contracts';
import type { TrustedKeys } from '@countersign/service-kit';
import { Ed25519 } from './keys.ts';

/** Who and what is in every run. */
export const NETWORK = 'eip155:84532';
export const CHAIN_ID = 84_532;
export const USDC = '0x036cbd53842c5426634e7929541ec2318f3dcf7e';
export const ASSET = assetId(NETWORK, USDC);
export const LANES = 3;

/** Keys of the services, and one that nobody trusts. */
export const KEYS = {
  intake: new Ed25519('intake'),
  policy: new Ed25519('policy'),
  approval: new Ed25519('approval'),
  signer: new Ed25519('signer'),
  settlement: new Ed25519('settlement'),
  recorder: new Ed25519('recorder'),
  outsider: new Ed25519('outsider'),
} as const;

/** What signer (and checker) believe: pinned, not taken from the log. */
export const SIGNING_SERVICES = [
  'intake',
  'policy',
  'approval',
  'signer',
  'settlement',
  'recorder',
] as const;
export type SigningService = (typeof SIGNING_SERVICES)[number];
export const TRUSTED: TrustedKeys = new Map(
  SIGNING_SERVICES.map((service) => {
    const { keyId, publicKey } = KEYS[service];
    return [keyId, { service, publicKey }] as const;
  }),
);

export const TENANTS = ['acme', 'zenith'] as const;
export type TenantName = (typeof TENANTS)[number];

export interface Owner {
  readonly tenant: TenantName;
  readonly agent: string;
}

/** Three share a wallet, each in a lane of its own. Some have a smart account beside the key they begin with. */
export const AGENTS: readonly (Owner & { readonly wallet: string; readonly account?: string })[] = [
  { tenant: 'acme', agent: 'scout', wallet: 'acme-1', account: 'acme-1-account' },
  { tenant: 'acme', agent: 'buyer', wallet: 'acme-2' },
  { tenant: 'acme', agent: 'broker', wallet: 'acme-2' },
  { tenant: 'acme', agent: 'planner', wallet: 'acme-2' },
  { tenant: 'zenith', agent: 'scout', wallet: 'zenith-1', account: 'zenith-1-account' },
];

export const PEOPLE: readonly { readonly person: string; readonly roles: readonly Role[] }[] = [
  { person: 'owner', roles: ['operator', 'policy_author', 'approver'] },
  { person: 'ann', roles: ['approver', 'policy_author'] },
  { person: 'bob', roles: ['approver'] },
  { person: 'cat', roles: ['approver'] },
];
/** A person's credential, the same in every run. */
export const credentialOf = (by: { readonly tenant: TenantName; readonly person: string }) =>
  `credential-of-${by.person}-at-${by.tenant}`;
export const APPROVERS = ['ann', 'bob', 'cat'] as const;

const address = (digits: string) => `0x${digits.repeat(20)}`;
export const TREASURY = address('7e');
export const STRANGER = address('5a');

/** Sellers as the world has them. Some are registered; some are prohibited by every policy. */
export const SELLERS = [
  {
    seller: 'embeddings',
    domain: 'api.embed.example',
    payTo: address('a1'),
    trust: 'verified',
    category: 'compute',
  },
  {
    seller: 'weather',
    domain: 'api.weather.example',
    payTo: address('a2'),
    trust: 'known',
    category: 'data',
  },
  {
    seller: 'news',
    domain: 'news.example',
    payTo: address('a3'),
    trust: 'known',
    category: 'data',
  },
  {
    seller: 'casino',
    domain: 'casino.example',
    payTo: address('bad0'.slice(0, 2)),
    trust: 'known',
    category: 'gambling',
  },
] as const;

/** Tasks an agent may name when an operator has opened them. */
export const TASKS = ['survey', 'report'] as const;

/** Sessions an agent may name when an operator has opened them; each is opened once in a run. */
export const SESSIONS = ['run-0', 'run-1', 'run-2', 'run-3', 'run-4', 'run-5'] as const;

/** What the signer lets a wallet sign away in 24 hours; a run is over long before. Some runs have the low one. */
export const CEILINGS = {
  usual: { perPayment: 50_000_000n, perDay: 10_000_000_000n },
  low: { perPayment: 900_000n, perDay: 1_500_000n },
} as const;
