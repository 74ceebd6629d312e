import type { Address } from 'viem';
import { type LocalAccount, generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CountersignClient } from './client.ts';
import { PaymentUnresolved } from './errors.ts';
import { governedFetch } from './governed-fetch.ts';
import {
  type ScriptedCountersign,
  startScriptedCountersign,
} from './testing/scripted-countersign.ts';

/**
 * The stock seller and facilitator on a real chain; only Countersign is scripted. The sandbox is an app, and it depends
 * on this package: it is loaded by its address, so that no edge of the project graph points back to it.
 */
const SANDBOX = new URL('../../../apps/sandbox/src/', import.meta.url);

interface Transfer {
  readonly to: string;
  readonly amountAtomic: bigint;
}
interface Chain {
  fund(address: Address, amountAtomic: bigint): Promise<unknown>;
  transfersFrom(address: Address): Promise<readonly Transfer[]>;
  stop(): Promise<void>;
}
interface Facilitator {
  readonly url: string;
  readonly faults: {
    dropNextSettleAnswer(): void;
    silentSettle(times: number): void;
    clear(): void;
  };
  stop(): Promise<void>;
}
interface Seller {
  readonly url: string;
  setPrice(path: string, price: { readonly amountAtomic: bigint }): void;
  stop(): Promise<void>;
}
interface Answer {
  json(body: unknown): void;
}
type Start<T> = (options?: Readonly<Record<string, unknown>>) => Promise<T>;

async function sandbox<T>(file: string, name: string): Promise<Start<T>> {
  const module = (await import(new URL(file, SANDBOX).href)) as Readonly<Record<string, Start<T>>>;
  return module[name]!;
}

const PAY_TO: Address = '0x1111111111111111111111111111111111111111';
const PRICE_ATOMIC = 20_000n;

let chain: Chain;
let facilitator: Facilitator;
let seller: Seller;
let payer: LocalAccount;
let countersign: ScriptedCountersign;
let pay: typeof globalThis.fetch;

beforeAll(async () => {
  const startChain = await sandbox<Chain>('chain.ts', 'startChain');
  const startFacilitator = await sandbox<Facilitator>('facilitator.ts', 'startFacilitator');
  const startSeller = await sandbox<Seller>('seller.ts', 'startSeller');
  chain = await startChain();
  facilitator = await startFacilitator({ chain });
  const priced = {
    price: { amountAtomic: PRICE_ATOMIC },
    payTo: PAY_TO,
    description: 'an answer',
    maxTimeoutSeconds: 60,
  };
  seller = await startSeller({
    facilitatorUrl: facilitator.url,
    facilitatorTimeoutMs: 8_000,
    routes: [
      {
        ...priced,
        method: 'GET',
        path: '/report',
        handler: (_request: unknown, response: Answer) => response.json({ report: 'sold' }),
      },
      {
        ...priced,
        method: 'POST',
        path: '/search',
        handler: async (request: AsyncIterable<Uint8Array>, response: Answer) => {
          const chunks: Uint8Array[] = [];
          for await (const chunk of request) chunks.push(chunk);
          response.json({ echo: Buffer.concat(chunks).toString() });
        },
      },
    ],
  });
});

beforeEach(async () => {
  payer = privateKeyToAccount(generatePrivateKey());
  await chain.fund(payer.address, 5_000_000n);
  countersign = await startScriptedCountersign(payer);
  const client = new CountersignClient({ baseUrl: countersign.url, credential: 'agent' });
  pay = governedFetch({ client });
});

afterEach(async () => {
  facilitator.faults.clear();
  seller.setPrice('/report', { amountAtomic: PRICE_ATOMIC });
  await countersign[Symbol.asyncDispose]();
});

afterAll(async () => {
  await seller.stop();
  await facilitator.stop();
  await chain.stop();
});

describe('a governed fetch and the stock seller', () => {
  it('settle one transfer, with the nonce Countersign chose', async () => {
    const response = await pay(`${seller.url}/report`);
    expect(await response.json()).toEqual({ report: 'sold' });
    expect(await chain.transfersFrom(payer.address)).toMatchObject([
      { to: PAY_TO, amountAtomic: PRICE_ATOMIC },
    ]);
    expect(countersign.payments()).toMatchObject([{ delivered: true }]);
  });

  it('settle each of many concurrent requests with bodies of their own', async () => {
    const bodies = Array.from({ length: 8 }, (_, index) => `question ${index}`);
    const answers = await Promise.all(
      bodies.map(async (body) => {
        const response = await pay(`${seller.url}/search`, { method: 'POST', body });
        return (await response.json()) as { echo: string };
      }),
    );
    expect(answers.map(({ echo }) => echo)).toEqual(bodies);
    expect(await chain.transfersFrom(payer.address)).toHaveLength(8);
  });

  it('move the money once when the answer to the settlement is lost, however often it is tried', async () => {
    facilitator.faults.dropNextSettleAnswer();
    for (let attempt = 0; attempt < 3; attempt += 1) {
      await expect(pay(`${seller.url}/report`)).rejects.toThrow(PaymentUnresolved);
    }
    expect(await chain.transfersFrom(payer.address)).toHaveLength(1);
    expect(countersign.payments()).toHaveLength(1);
  });

  it('settle later what a silent facilitator left open', async () => {
    facilitator.faults.silentSettle(1);
    expect((await pay(`${seller.url}/report`)).status).toBe(502);
    expect(await chain.transfersFrom(payer.address)).toHaveLength(0);

    expect((await pay(`${seller.url}/report`)).status).toBe(200);
    expect(await chain.transfersFrom(payer.address)).toHaveLength(1);
    expect(countersign.payments()).toHaveLength(1);
  });

  it('pay nothing for a price that rises between quote and payment', async () => {
    const client = new CountersignClient({ baseUrl: countersign.url, credential: 'agent' });
    const racing = governedFetch({
      client,
      fetch: async (input, init) => {
        const response = await fetch(input, init);
        seller.setPrice('/report', { amountAtomic: PRICE_ATOMIC + 1n });
        return response;
      },
    });
    await expect(racing(`${seller.url}/report`)).rejects.toThrow(PaymentUnresolved);
    expect(await chain.transfersFrom(payer.address)).toEqual([]);
  });
});
