import { setImmediate as turn } from 'node:timers/promises';
import type { PaymentView, ProposeBody } from '@countersign/contracts';
import { type VirtualTime, quoteOf } from '@countersign/testkit';
import type { MemoryChain } from '@countersign/testkit/memory-chain';
import type { Services } from '../../apps/standalone/src/services.ts';

/** How far apart blocks are. */
export const BLOCK_MS = 1_000;

/** What a route answered. */
export interface Answer<T = PaymentView> {
  readonly status: number;
  readonly body: T;
  readonly headers: Readonly<Record<string, unknown>>;
}

/** What a test does with the services of one process: asks them over HTTP, moves their time and mines their chain. */
export abstract class Rig {
  abstract readonly chain: MemoryChain;
  abstract services: Services;
  readonly time: VirtualTime;
  /** By name of who has it. */
  credentials: Record<string, string> = {};
  readonly #startMs: number;
  #minedMs: number;

  /** @param time whose present is that of the chain's last block. */
  constructor(time: VirtualTime) {
    this.time = time;
    this.#startMs = this.#minedMs = time.nowMs;
  }

  /** One HTTP request as `who`; time does not pass by itself meanwhile. */
  async call<T = PaymentView>(
    who: string | undefined,
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    url: string,
    options: { body?: unknown; headers?: Record<string, string> } = {},
  ): Promise<Answer<T>> {
    const credential = who === undefined ? undefined : this.credentials[who];
    const response = await this.services.app.inject({
      method,
      url,
      headers: {
        ...(credential !== undefined && { authorization: `Bearer ${credential}` }),
        ...options.headers,
      },
      ...(options.body !== undefined && { payload: options.body as object }),
    });
    const body = (response.body === '' ? {} : response.json()) as T;
    return { status: response.statusCode, body, headers: response.headers };
  }

  /** Proposes a payment as an agent would. */
  propose(
    change: Partial<Omit<ProposeBody, 'quote'>> & {
      quote?: Partial<ProposeBody['quote']>;
      url?: string;
    } = {},
    options: { who?: string; key?: string } = {},
  ): Promise<Answer> {
    const { quote, url = 'https://api.example.com/v1/embed', ...rest } = change;
    const body = { quote: quoteOf(quote), resource: { method: 'GET', url }, ...rest };
    const headers = options.key === undefined ? {} : { 'idempotency-key': options.key };
    return this.call(options.who ?? 'research-1', 'POST', '/v1/payments', { body, headers });
  }

  async read(id: string): Promise<PaymentView> {
    return (await this.call('owner', 'GET', `/v1/payments/${id}`)).body;
  }

  /** Presents a signed payment to the chain, as a facilitator would, without waiting for a block. */
  async present(payment: PaymentView): Promise<void> {
    const { authorization, signature } = payment;
    if (!authorization || signature === undefined) throw new Error('nothing to present');
    const { token, from, to, value, validAfter, validBefore, nonce } = authorization;
    await this.chain.submitTransfer({
      token,
      from,
      to,
      value: BigInt(value),
      validAfter,
      validBefore,
      nonce,
      signature,
    });
  }

  /** Lets time pass, block by block, with everything that becomes due and everything that follows from it. */
  async pass(ms: number): Promise<void> {
    const end = this.time.nowMs + ms;
    while (this.time.nowMs < end) {
      const blockDue = this.#lastBlockMs() + BLOCK_MS;
      const next = Math.min(end, blockDue, this.time.nextDueMs() ?? end);
      this.time.moveTo(Math.max(next, this.time.nowMs));
      if (this.time.nowMs >= blockDue) this.chain.mine(this.time.nowMs);
      await this.settle();
    }
  }

  /** Jumps over a long time: one block at its end, nothing in between. */
  async jump(ms: number): Promise<void> {
    this.time.moveTo(this.time.nowMs + ms);
    this.chain.mine(this.time.nowMs);
    await this.settle();
  }

  /** Lets everything that is under way come to rest. */
  async settle(): Promise<void> {
    for (let round = 0; round < 30; round += 1) await turn();
  }

  #lastBlockMs(): number {
    const elapsed = Math.floor((this.time.nowMs - this.#startMs) / BLOCK_MS) * BLOCK_MS;
    this.#minedMs = Math.max(this.#minedMs, this.#startMs + elapsed);
    return this.#minedMs;
  }
}
