import { deserialize, serialize } from 'node:v8';
import type { RefusalCode } from '@countersign/contracts';
import {
  type AgentTables,
  type Booked,
  KEY_KEPT_MS,
  type KeyUse,
  type Payment,
  type Purchase,
  type Session,
  bookedOf,
  owed,
} from '@countersign/payment';
import type { StateEntry, StateStore } from '@countersign/ports';
import { statusOf } from './status.ts';

/** An expired key stays this much longer: no log's stamps go back as far, so no fold can miss one it still knows. */
const EXPIRY_MARGIN_MS = 86_400_000;
const PAGE = 1_000;
const ABSENT_MAX = 10_000;
/** Closed payments of one agent that one list looks through. */
const LISTED_MAX = 20_000;

/** A record that names a payment, and why it was ignored; null when it was applied. */
export interface NamedAt {
  readonly offset: number;
  readonly code: RefusalCode | null;
}

/** Which payments a list shows; the newest first. */
export interface ListOf {
  readonly tenant: string;
  readonly agents: readonly string[];
  readonly status?: string | undefined;
  readonly before?: Payment | undefined;
  readonly max: number;
}

/** One kind of thing by key: new ones in memory until they are saved, all others in the store. */
class Collection<V> {
  readonly name: string;
  readonly fresh = new Map<string, V>();
  readonly #store: StateStore | undefined;
  /** Keys that were looked for in vain: what is new is asked for several times before it is set. */
  readonly #absent = new Set<string>();

  constructor(name: string, store: StateStore | undefined) {
    this.name = name;
    this.#store = store;
  }

  get(key: string): V | undefined {
    const known = this.fresh.get(key);
    if (known !== undefined || !this.#store || this.#absent.has(key)) return known;
    const bytes = this.#store.get(this.name, key);
    if (bytes) return deserialize(bytes) as V;
    if (this.#absent.size >= ABSENT_MAX) this.#absent.clear();
    this.#absent.add(key);
    return undefined;
  }

  set(key: string, value: V): void {
    this.#absent.delete(key);
    this.fresh.set(key, value);
  }
}

/**
 * Everything of the fold that grows with its history. Without a store all of it stays in memory. With one, a save
 * writes what is new and lets go of it: then only payments that may still change by themselves are in memory.
 */
export class StateCache {
  readonly store: StateStore | undefined;
  /** Offset in `control` where each order stood first. */
  readonly orders: Collection<number>;
  /** Why records were ignored, by position. */
  readonly ignored: Collection<RefusalCode>;
  readonly #purchases: Collection<Purchase>;
  readonly #keys: Collection<KeyUse>;
  readonly #sessions: Collection<Session>;
  readonly #agentOrders: Collection<true>;
  readonly #named: Collection<readonly NamedAt[]>;
  readonly #payments: Collection<Payment>;
  /** Payment ids by the nonce of their authorization: what the chain knows of them. */
  readonly #nonces: Collection<string>;
  readonly #ofAgent = new Map<string, Map<string, Payment>>();
  /** Payments that the store has as such that are not closed: most open and close between two saves. */
  readonly #savedLive = new Set<string>();
  /** Payments in memory, whoever's they are. */
  readonly #inMemory = new Map<string, Payment>();

  constructor(store: StateStore | undefined) {
    this.store = store;
    this.orders = new Collection('control_orders', store);
    this.ignored = new Collection('ignored', store);
    this.#purchases = new Collection('purchases', store);
    this.#keys = new Collection('keys', store);
    this.#sessions = new Collection('sessions', store);
    this.#agentOrders = new Collection('orders', store);
    this.#named = new Collection('named', store);
    this.#payments = new Collection('payments', store);
    this.#nonces = new Collection('nonces', store);
  }

  readonly tablesOf = (tenant: string, agent: string): AgentTables => {
    const prefix = `${tenant}/${agent}/`;
    const mine = this.#paymentsOf(tenant, agent);
    const prefixed = <V>(all: Collection<V>) => ({
      get: (key: string) => all.get(prefix + key),
      set: (key: string, value: V) => all.set(prefix + key, value),
    });
    return {
      payments: {
        get: (id) => {
          const payment = mine.get(id) ?? this.#payments.get(id);
          return payment?.tenant === tenant && payment.agent === agent ? payment : undefined;
        },
        set: (id, payment) => {
          this.#keep(payment);
          this.#payments.set(id, payment);
          // Every authorization begins in this phase.
          if (payment.phase.status === 'fixed')
            this.#nonces.set(payment.phase.fixed.authorization.nonce, id);
        },
        values: () => mine.values(),
      },
      purchases: prefixed(this.#purchases),
      keys: prefixed(this.#keys),
      sessions: prefixed(this.#sessions),
      orders: {
        has: (id) => this.#agentOrders.get(prefix + id) !== undefined,
        add: (id) => this.#agentOrders.set(prefix + id, true),
      },
    };
  };

  payment(paymentId: string): Payment | undefined {
    return this.#inMemory.get(paymentId) ?? this.#payments.get(paymentId);
  }

  paymentOfNonce(nonce: string): Payment | undefined {
    const id = this.#nonces.get(nonce);
    return id === undefined ? undefined : this.payment(id);
  }

  named(paymentId: string, at: NamedAt): void {
    this.#named.set(paymentId, [...(this.#named.get(paymentId) ?? []), at]);
  }

  /** Where records name the payment, in order. */
  namedAt(paymentId: string): readonly NamedAt[] {
    return this.#named.get(paymentId) ?? [];
  }

  /** What every payment of a tenant means to the counters; of those that ended unpaid, only what is in memory. */
  *booked(tenant: string): Generator<Booked> {
    for (const payment of this.#inMemory.values()) {
      const booked = payment.tenant === tenant ? bookedOf(payment) : null;
      if (booked) yield booked;
    }
    for (const { value } of this.all('spent', `${tenant}/`)) {
      const booked = value as Booked;
      if (!this.#inMemory.has(booked.paymentId)) yield booked;
    }
  }

  newest({ tenant, agents, status, before, max }: ListOf): Payment[] {
    const below = before && rankOf(before);
    const found = new Map<string, string>();
    for (const agent of agents) {
      for (const payment of this.#paymentsOf(tenant, agent).values()) {
        const rank = rankOf(payment);
        if (below !== undefined && rank >= below) continue;
        if (status === undefined || statusOf(payment) === status) found.set(payment.id, rank);
      }
      for (const { id, rank } of this.#closed(`${tenant}/${agent}/`, { below, status, max }))
        found.set(id, rank);
    }
    return [...found]
      .sort(([, one], [, other]) => (one < other ? 1 : -1))
      .slice(0, max)
      .flatMap(([id]) => this.payment(id) ?? []);
  }

  /** Entries for all that is new, which {@link saved} then lets go of. */
  changes(): { puts: StateEntry[]; deletes: { collection: string; key: string }[] } {
    const { orders, ignored } = this;
    const ofAgents = [this.#purchases, this.#sessions, this.#agentOrders, this.#named];
    const grown = [orders, ignored, ...ofAgents, this.#nonces];
    const puts = grown.flatMap((it) =>
      [...it.fresh].map(([key, value]) => entry(it.name, key, value)),
    );
    for (const [key, use] of this.#keys.fresh) {
      const expiresAtMs = use.atMs + KEY_KEPT_MS + EXPIRY_MARGIN_MS;
      puts.push({ ...entry(this.#keys.name, key, use), expiresAtMs });
    }
    const deletes: { collection: string; key: string }[] = [];
    for (const [id, payment] of this.#payments.fresh) {
      puts.push(entry(this.#payments.name, id, payment));
      if (isClosed(payment)) {
        if (this.#savedLive.delete(id)) deletes.push({ collection: 'live', key: id });
        const key = `${payment.tenant}/${payment.agent}/${rankOf(payment)}`;
        puts.push(entry('closed', key, statusOf(payment)));
        const booked = bookedOf(payment);
        if (booked?.state === 'committed')
          puts.push(entry('spent', `${payment.tenant}/${id}`, booked));
      } else if (!this.#savedLive.has(id)) {
        this.#savedLive.add(id);
        puts.push(entry('live', id, true));
      }
    }
    return { puts, deletes };
  }

  saved(): void {
    for (const [id, payment] of this.#payments.fresh)
      if (isClosed(payment)) {
        this.#inMemory.delete(id);
        this.#paymentsOf(payment.tenant, payment.agent).delete(id);
      }
    for (const it of [this.orders, this.ignored]) it.fresh.clear();
    for (const it of [this.#purchases, this.#keys, this.#sessions, this.#agentOrders, this.#named])
      it.fresh.clear();
    this.#nonces.fresh.clear();
    this.#payments.fresh.clear();
  }

  /** Brings back into memory what may still change by itself. */
  load(): void {
    for (const { key: id } of this.all('live')) {
      this.#savedLive.add(id);
      const payment = this.#payments.get(id);
      if (payment) this.#keep(payment);
    }
  }

  /** Everything in one collection of the store whose key begins so, in no order that matters. */
  *all(collection: string, prefix = ''): Generator<{ key: string; value: unknown }> {
    let below: string | undefined;
    for (;;) {
      const range = { prefix, max: PAGE, ...(below !== undefined && { below }) };
      const page = this.store?.newest(collection, range) ?? [];
      for (const { key, value } of page) yield { key, value: deserialize(value) };
      if (page.length < PAGE) return;
      below = page.at(-1)?.key;
    }
  }

  *#closed(
    prefix: string,
    of: { below: string | undefined; status: string | undefined; max: number },
  ): Generator<{ id: string; rank: string }> {
    let below = of.below === undefined ? undefined : prefix + of.below;
    let found = 0;
    for (let seen = 0; seen < LISTED_MAX; seen += PAGE) {
      const range = { prefix, max: PAGE, ...(below !== undefined && { below }) };
      const page = this.store?.newest('closed', range) ?? [];
      for (const { key, value } of page) {
        if (of.status !== undefined && deserialize(value) !== of.status) continue;
        const rank = key.slice(prefix.length);
        yield { rank, id: rank.slice(rank.indexOf('/') + 1) };
        found += 1;
        if (found === of.max) return;
      }
      if (page.length < PAGE) return;
      below = page.at(-1)?.key;
    }
  }

  #keep(payment: Payment): void {
    this.#inMemory.set(payment.id, payment);
    this.#paymentsOf(payment.tenant, payment.agent).set(payment.id, payment);
  }

  #paymentsOf(tenant: string, agent: string): Map<string, Payment> {
    const owner = `${tenant}/${agent}`;
    let mine = this.#ofAgent.get(owner);
    if (!mine) {
      mine = new Map();
      this.#ofAgent.set(owner, mine);
    }
    return mine;
  }
}

export function entry(collection: string, key: string, value: unknown): StateEntry {
  return { collection, key, value: serialize(value) };
}

/** Nobody owes anything for it any more; only a record from outside can still add to it. */
function isClosed(payment: Payment): boolean {
  return payment.phase.status === 'ended' && payment.reservationEnded && owed(payment).length === 0;
}

/** Sorts as text by the time of submission. */
function rankOf({ id, submittedAtMs }: Payment): string {
  return `${String(submittedAtMs).padStart(15, '0')}/${id}`;
}
