import type { Session } from './session.ts';
import type { IdTable, PaymentTable, Table } from './table.ts';

/**
 * Raised with every change to what the fold makes of records or to the shape of its state: a state kept from an earlier
 * version is then folded anew.
 */
export const FOLD_VERSION = 15;

/** How long an idempotency key is known after its first use, by log time; used later, it names a new purchase. */
export const KEY_KEPT_MS = 35 * 86_400_000;

export interface Purchase {
  readonly nextOrdinal: number;
  readonly unresolved: readonly string[];
}

export interface KeyUse {
  readonly paymentId: string;
  readonly requestDigest: string;
  /** Log time of its first use. */
  readonly atMs: number;
}

/** What grows with an agent's history, and so need not be in memory. */
export interface AgentTables {
  readonly payments: PaymentTable;
  /** By purchase: how often it was bought, and which of its payments were unresolved when last looked at, in order. */
  readonly purchases: Table<Purchase>;
  /** By idempotency key digest. */
  readonly keys: Table<KeyUse>;
  /** By name: every session there ever was. */
  readonly sessions: Table<Session>;
  /** Ids of every order of a person, applied or not: an order appended again is not given again. */
  readonly orders: IdTable;
}

/** Gives an agent its tables: the same ones, with what is in them, however often it is asked. */
export type TablesOf = (tenant: string, agent: string) => AgentTables;

/** Tables that are in memory and nowhere else. */
export function tablesInMemory(): AgentTables {
  return {
    payments: new Map(),
    purchases: new Map(),
    keys: new Map(),
    sessions: new Map(),
    orders: new Set(),
  };
}
