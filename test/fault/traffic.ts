import { setTimeout as pause } from 'node:timers/promises';
import {
  AwaitingApproval,
  CountersignClient,
  CountersignError,
  GovernedPaymentError,
  type PaymentView,
  governedFetch,
  paymentOf,
} from '@countersign/sdk';
import { SANDBOX_NETWORK } from '../../apps/sandbox/src/chain.ts';
import type { Seller } from '../../apps/sandbox/src/seller.ts';
import type { Dice } from '../sim/dice.ts';
import type { Fleet } from './fleet.ts';
import { POLICY, SELLER_NAMES, SOLD, type SellerName, payToOf } from './market.ts';

export const AGENTS = ['scout', 'buyer', 'miner', 'clerk', 'guide', 'smith'] as const;
type AgentName = (typeof AGENTS)[number];
const PEOPLE = ['ada', 'bo', 'cy'] as const;
/** How long one answer is waited for: longer than the product's own patience, shorter than a person's. */
const CALL_MS = 12_000;
const AGAIN_MS = 400;

/** Something a service said is so: from then on it must be so. */
export type Promised =
  | { readonly kind: 'payment'; readonly paymentId: string; readonly url: string }
  | { readonly kind: 'granted'; readonly paymentId: string; readonly person: string }
  | {
      readonly kind: 'vetoed';
      readonly paymentId: string;
      readonly person: string;
      readonly inTime: boolean;
    }
  | { readonly kind: 'delivered'; readonly paymentId: string };

export interface TrafficParts {
  readonly fleet: Fleet;
  readonly sellers: Readonly<Record<SellerName, Seller>>;
  readonly dice: Dice;
  /** Between two purchases of one agent. */
  readonly paceMs: number;
}

/** Agents that buy, and people who are asked, until they are told to stop. Whatever fails is tried again elsewhere. */
export class Traffic {
  readonly promised: Promised[] = [];
  /** Purchases by how their agents saw them end. */
  readonly ended = new Map<string, number>();
  readonly wallets = new Map<AgentName, `0x${string}`>();
  begun = 0;
  /** Calls that were made again: no answer, or one that said "later". */
  repeats = 0;
  readonly #parts: TrafficParts;
  readonly #clients = new Map<AgentName, CountersignClient>();
  readonly #people = new Map<string, CountersignClient>();
  readonly #running: Promise<void>[] = [];
  readonly #granted = new Set<string>();
  #owner: CountersignClient | undefined;
  #isStopping = false;
  #isOver = false;

  constructor(parts: TrafficParts) {
    this.#parts = parts;
  }

  get owner(): CountersignClient {
    if (!this.#owner) throw new Error('nothing is set up yet');
    return this.#owner;
  }

  /** As an operator does it, over HTTP. */
  async setUp(fund: (address: `0x${string}`) => Promise<unknown>): Promise<void> {
    const { fleet, sellers } = this.#parts;
    this.#owner = this.#client(fleet.ownerCredential, 'owner');
    const { owner } = this;
    for (const person of PEOPLE) {
      const body = { person, roles: ['approver' as const] };
      const { credential } = await owner.call('addPerson', { body });
      this.#people.set(person, this.#client(credential, person));
    }
    // Two agents share each wallet, and are in lanes of their own.
    for (const [index, agent] of AGENTS.entries()) {
      const wallet = `wallet-${Math.floor(index / 2)}`;
      if (index % 2 === 0) {
        const { address } = await owner.call('requestWallet', { body: { wallet } });
        this.wallets.set(agent, address as `0x${string}`);
        await fund(address as `0x${string}`);
      }
      const { credential } = await owner.call('addAgent', { body: { agent, wallet } });
      this.#clients.set(agent, this.#client(credential, agent));
    }
    for (const name of SELLER_NAMES) {
      const { category, jurisdiction } = SOLD[name];
      await owner.call('registerSeller', {
        params: { seller: name },
        body: {
          domain: new URL(sellers[name].url).host,
          payTo: [{ network: SANDBOX_NETWORK, address: payToOf(name).toLowerCase() }],
          trust: 'known',
          category,
          jurisdiction,
          takes: 'any',
          routes: [],
        },
      });
    }
    const { version } = await owner.call('putPolicy', { body: { text: POLICY } });
    await owner.call('activatePolicy', { params: { version: String(version) } });
  }

  start(): void {
    for (const agent of AGENTS)
      for (const lane of [1, 2]) this.#running.push(this.#shop(agent, `${agent}-${lane}`));
    this.#running.push(this.#answerForPeople());
  }

  /** No new purchases; resolves when every one that was begun has ended for its agent. */
  async finish(): Promise<void> {
    this.#isStopping = true;
    await Promise.all(this.#running.slice(0, -1));
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#running);
  }

  async #shop(agent: AgentName, name: string): Promise<void> {
    const dice = this.#parts.dice.fork(name);
    const weights = { snippets: 6, datasets: 2, experts: 2, forbidden: 0.4 } as const;
    for (let number = 1; !this.#isStopping; number += 1) {
      const seller = dice.weighted(weights);
      const url = `${this.#parts.sellers[seller].url}/one/${name}-${number}`;
      this.begun += 1;
      const end = await this.#buy(agent, url);
      this.ended.set(end, (this.ended.get(end) ?? 0) + 1);
      await pause(this.#parts.paceMs * (0.5 + dice.next()));
    }
  }

  /** Until there is an answer that will not change: the same call again is the same purchase. */
  async #buy(agent: AgentName, url: string): Promise<string> {
    const client = this.#clients.get(agent);
    if (!client) throw new Error(`no such agent: ${agent}`);
    const delivered: string[] = [];
    const pay = governedFetch({
      client,
      waitSeconds: 3,
      onDeliveryReportFailed: (_, { id }) => void delivered.push(id),
    });
    for (;;) {
      try {
        const signal = AbortSignal.timeout(60_000);
        const response = await pay(url, { signal });
        await response.arrayBuffer();
        const payment = paymentOf(response);
        if (payment) this.#saw(payment, url);
        // Whoever gave up meanwhile has the answer, and was not told what became of the report.
        if (response.ok && payment && !delivered.includes(payment.id) && !signal.aborted)
          this.promised.push({ kind: 'delivered', paymentId: payment.id });
        if (response.ok) return 'answered';
      } catch (error) {
        const end = this.#endOf(error, url);
        if (end !== undefined) return end;
      }
      this.repeats += 1;
      await pause(AGAIN_MS);
    }
  }

  #endOf(error: unknown, url: string): string | undefined {
    if (error instanceof GovernedPaymentError) {
      if (error.payment) this.#saw(error.payment, url);
      if (error instanceof AwaitingApproval) return undefined;
      if (error.payment?.final) return error.payment.status;
      return error.retryable ? undefined : error.code;
    }
    if (error instanceof CountersignError && !error.retryable) return `refused: ${error.code}`;
    return undefined;
  }

  #saw({ id }: PaymentView, url: string): void {
    this.promised.push({ kind: 'payment', paymentId: id, url });
  }

  /** People grant, veto, or let it pass, each payment by its own dice. */
  async #answerForPeople(): Promise<void> {
    const answered = new Set<string>();
    while (!this.#isOver) {
      await pause(500);
      const approver = this.#people.get('ada');
      const list = await approver?.call('listApprovals').catch(() => undefined);
      await Promise.all(
        (list?.approvals ?? []).map(async ({ payment }) => {
          if (answered.has(payment.id)) return;
          const isDone = await this.#answer(payment).catch((error: unknown) => {
            if (error instanceof CountersignError) return !error.retryable;
            throw error;
          });
          if (isDone) answered.add(payment.id);
        }),
      );
    }
  }

  async #answer({ id, approval, quoteDigest }: PaymentView): Promise<boolean> {
    const dice = this.#parts.dice.fork(`people/${id}`);
    const params = { id };
    if (!approval) return false;
    const choice = dice.weighted({ grant: 7, veto: 2, silence: 1 });
    if (choice === 'veto') {
      const payment = await this.#people.get('bo')!.call('veto', { params, body: {} });
      const inTime = payment.status === 'vetoed';
      this.promised.push({ kind: 'vetoed', paymentId: id, person: 'bo', inTime });
      return true;
    }
    if (choice === 'silence' || approval.requirement.kind !== 'quorum') return true;
    for (const person of ['bo', 'cy'] as const) {
      if (this.#granted.has(`${id}/${person}`)) continue;
      const body = { quoteDigest, decisionId: approval.decisionId };
      await this.#people.get(person)!.call('grant', { params, body });
      this.#granted.add(`${id}/${person}`);
      this.promised.push({ kind: 'granted', paymentId: id, person });
    }
    return true;
  }

  /** Each call goes to some process of the service. */
  #client(credential: string, name: string): CountersignClient {
    const dice = this.#parts.dice.fork(`routes/${name}`);
    const { fleet } = this.#parts;
    return new CountersignClient({
      baseUrl: 'http://countersign',
      credential,
      timeoutMs: CALL_MS,
      fetch: (input, init) => {
        const { pathname, search } = new URL(input);
        const url = fleet.urlFor(pathname, dice);
        if (url === undefined) return Promise.reject(new Error(`nobody answers ${pathname}`));
        return fetch(`${url}${pathname}${search}`, init);
      },
    });
  }
}
