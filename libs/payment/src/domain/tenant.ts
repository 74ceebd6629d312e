import type {
  Change,
  ControlEvent,
  EventData,
  MessageKeys,
  Role,
  Seller,
  WalletKind,
} from '@countersign/contracts';
import type { Wallet } from './wallets.ts';

/** Who presents a credential. */
export type Principal =
  | { readonly kind: 'agent'; readonly tenant: string; readonly agent: string }
  | { readonly kind: 'person'; readonly tenant: string; readonly person: string };

export interface PolicyVersion {
  readonly version: number;
  readonly hash: string;
  readonly text: string;
  readonly by: string;
}

/** An agent of a tenant. */
export interface AgentEntry {
  /** One of each kind at most, in the order they were given. */
  readonly wallets: readonly string[];
  readonly credential: string;
  /** Null for an agent that does not speak by messages. */
  readonly messageKeys: MessageKeys | null;
}

/** Somebody who may act for a tenant. */
export interface Person {
  readonly roles: readonly Role[];
  /** Of the key that their credential leads to; of those who were added before there were such keys, none. */
  readonly publicKey?: string;
}

/** A change that loosens and waits for its time. */
export interface PendingChange {
  /** Of the record that scheduled it. */
  readonly id: string;
  readonly change: Change;
  /** What it loosens, a sentence each. */
  readonly loosens: readonly string[];
  readonly by: string;
  readonly scheduledAtMs: number;
  /** Log time from which it may come into force. */
  readonly dueAtMs: number;
}

/** What is known of a wallet that was ever frozen. */
export interface WalletFreezes {
  readonly isFrozen: boolean;
  /** How often: a lane may see a freeze and its end in one mark, and must not miss the stop. */
  readonly count: number;
  /** How often since it was revoked: what leaves it then stops nobody, because it pays for nobody any more. */
  readonly countRevoked: number;
  /** What froze it, each of it once: outflows, and keys the account was given to. */
  readonly causes: ReadonlySet<string>;
}

/** Everything slow-changing about one tenant. Never mutated: a lane keeps the version it was marked with. */
export interface TenantView {
  readonly people: ReadonlyMap<string, Person>;
  readonly agents: ReadonlyMap<string, AgentEntry>;
  readonly wallets: ReadonlyMap<string, Wallet>;
  /** Wallets whose key the signer still owes, with their kinds. */
  readonly walletsWanted: ReadonlyMap<string, WalletKind>;
  readonly sellers: ReadonlyMap<string, Seller>;
  readonly policies: ReadonlyMap<number, PolicyVersion>;
  readonly active: PolicyVersion | null;
  /** How long a change that loosens waits under the policy in force. */
  readonly delayMs: number;
  /** Changes that wait, by the id of the record that scheduled them. */
  readonly changes: ReadonlyMap<string, PendingChange>;
  readonly frozen: boolean;
  /** How often everything was frozen: a lane may see a freeze and its end in one mark, and must not miss the stop. */
  readonly freezes: number;
  /** Wallets that were ever frozen. */
  readonly walletFreezes: ReadonlyMap<string, WalletFreezes>;
  /** Digest of a loss of records that no person of the tenant has accepted yet; everything is stopped until then. */
  readonly restore: string | null;
  /** When each facilitator's breaker opened last. */
  readonly trips: ReadonlyMap<string, number>;
  /** What people were told already that is not about one payment: `subject/code`. */
  readonly alerted: ReadonlySet<string>;
  /** Offset of the record that opened the budget counters' epoch; 0 before any. */
  readonly epoch: number;
}

/** `control` folded up to and including `offset`. */
export interface ControlView {
  readonly offset: number;
  /** Highest log time of a record of `control` so far. */
  readonly atMs: number;
  readonly keys: ReadonlyMap<string, { readonly service: string; readonly publicKey: string }>;
  readonly credentials: ReadonlyMap<string, Principal>;
  readonly tenants: ReadonlyMap<string, TenantView>;
  /** By network: the final block up to which every outflow of our wallets is accounted for. */
  readonly scanned: ReadonlyMap<string, EventData<'outflows.scanned'>['through']>;
  /** Losses of records that were ever detected, by digest. */
  readonly restores: ReadonlySet<string>;
}

export const EMPTY_TENANT: TenantView = {
  people: new Map(),
  agents: new Map(),
  wallets: new Map(),
  walletsWanted: new Map(),
  sellers: new Map(),
  policies: new Map(),
  active: null,
  delayMs: 0,
  changes: new Map(),
  frozen: false,
  freezes: 0,
  walletFreezes: new Map(),
  restore: null,
  trips: new Map(),
  alerted: new Set(),
  epoch: 0,
};

export const EMPTY_CONTROL: ControlView = {
  offset: -1,
  atMs: 0,
  keys: new Map(),
  credentials: new Map(),
  tenants: new Map(),
  scanned: new Map(),
  restores: new Set(),
};

/** Records about one tenant. */
export type TenantEvent = Exclude<
  ControlEvent,
  { name: 'key.announced' | 'outflows.scanned' | 'restore.detected' }
>;

/** The tenant's view, empty for one never heard of. */
export function tenantOf(view: ControlView, tenant: string): TenantView {
  return view.tenants.get(tenant) ?? EMPTY_TENANT;
}

/** The wallets an agent has; of those it was given all exist. */
export function walletsOf(tenant: TenantView, agent: string): readonly Wallet[] {
  return (tenant.agents.get(agent)?.wallets ?? []).flatMap((id) => tenant.wallets.get(id) ?? []);
}
