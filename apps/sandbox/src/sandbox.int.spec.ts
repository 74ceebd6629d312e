import { ExactEvmScheme } from '@x402/evm/exact/client';
import { decodePaymentResponseHeader, wrapFetchWithPayment, x402Client } from '@x402/fetch';
import type { PaymentRequirements } from '@x402/core/types';
import type { Address } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Chain, startChain } from './chain.ts';
import { type Facilitator, startFacilitator } from './facilitator.ts';
import { type Seller, type SellerOptions, startSeller } from './seller.ts';
import { type StockAgent, createStockAgent } from './stock-agent.ts';
import { TOKEN_DOMAIN } from './token.ts';

const PAY_TO: Address = '0x1111111111111111111111111111111111111111';
const PRICE_ATOMIC = 20_000n;
const SELLER_PATIENCE_MS = 3_000;

let chain: Chain;
let facilitator: Facilitator;
let seller: Seller;
/** Sells the report too, and does not wait for a slow facilitator. */
let impatient: Seller;
let reportUrl: string;

beforeAll(async () => {
  chain = await startChain();
  facilitator = await startFacilitator({ chain });
  const routes: SellerOptions['routes'] = [
    {
      method: 'GET',
      path: '/report',
      price: { amountAtomic: PRICE_ATOMIC },
      payTo: PAY_TO,
      description: 'a report',
      maxTimeoutSeconds: 60,
      handler: (_request, response) => {
        response.json({ report: 'sold' });
      },
    },
    {
      method: 'POST',
      path: '/broken',
      price: { amountAtomic: PRICE_ATOMIC },
      payTo: PAY_TO,
      description: 'nothing that works',
      maxTimeoutSeconds: 60,
      handler: () => Promise.reject(new Error('out of reports')),
    },
  ];
  seller = await startSeller({ facilitatorUrl: facilitator.url, routes });
  impatient = await startSeller({
    facilitatorUrl: facilitator.url,
    facilitatorTimeoutMs: SELLER_PATIENCE_MS,
    routes,
  });
  reportUrl = `${seller.url}/report`;
});

afterEach(() => {
  facilitator.faults.clear();
  seller.setPrice('/report', { amountAtomic: PRICE_ATOMIC });
});

afterAll(async () => {
  await seller.stop();
  await impatient.stop();
  await facilitator.stop();
  await chain.stop();
});

async function fundedAgent(): Promise<StockAgent> {
  const agent = createStockAgent({ privateKey: generatePrivateKey() });
  await chain.fund(agent.address, 5_000_000n);
  return agent;
}

function outcomeOf(response: Response) {
  const header = response.headers.get('PAYMENT-RESPONSE');
  return header === null ? undefined : decodePaymentResponseHeader(header);
}

describe('a stock agent', () => {
  it('pays a seller, and the chain shows exactly one transfer', async () => {
    const agent = await fundedAgent();

    const response = await agent.fetch(reportUrl);

    expect(await response.json()).toEqual({ report: 'sold' });
    const transfers = await chain.transfersFrom(agent.address);
    expect(transfers).toMatchObject([{ to: PAY_TO, amountAtomic: PRICE_ATOMIC }]);
    expect(outcomeOf(response)).toMatchObject({
      success: true,
      transaction: transfers[0]?.transactionHash,
      payer: agent.address,
    });
  });

  it('pays more than a dollar, for no spend control is left', async () => {
    const agent = await fundedAgent();
    seller.setPrice('/report', { amountAtomic: 4_000_000n });

    expect((await agent.fetch(reportUrl)).status).toBe(200);
    expect(await chain.balanceOf(agent.address)).toBe(1_000_000n);
  });

  it('pays twice when the answer to the first settlement is lost and it tries again', async () => {
    const agent = await fundedAgent();
    facilitator.faults.dropNextSettleAnswer();

    const first = await agent.fetch(reportUrl);
    expect(first.status).toBe(402);
    expect(outcomeOf(first)).toMatchObject({
      success: false,
      errorReason: 'fetch failed',
      transaction: '',
    });
    const second = await agent.fetch(reportUrl);
    expect(second.status).toBe(200);

    expect(await chain.transfersFrom(agent.address)).toHaveLength(2);
  });

  it('learns nothing from a facilitator that stays silent, and nothing is paid', async () => {
    const agent = await fundedAgent();
    facilitator.faults.silentSettle(1);

    const response = await agent.fetch(`${impatient.url}/report`);

    expect(response.status).toBe(502);
    expect(outcomeOf(response)).toBeUndefined();
    expect(await response.json()).toEqual({
      error: `Facilitator settle request timed out after ${SELLER_PATIENCE_MS}ms`,
    });
    expect(await chain.transfersFrom(agent.address)).toEqual([]);
  });

  it('is told of a failure while a slow settlement still happens', async () => {
    const agent = await fundedAgent();
    facilitator.faults.delaySettle(SELLER_PATIENCE_MS + 500);

    expect((await agent.fetch(`${impatient.url}/report`)).status).toBe(502);

    await expect
      .poll(() => chain.transfersFrom(agent.address), { timeout: 30_000 })
      .toHaveLength(1);
  });

  it('is not charged when the handler fails', async () => {
    const agent = await fundedAgent();

    const response = await agent.fetch(`${seller.url}/broken`, { method: 'POST' });

    expect(response.status).toBe(500);
    expect(await response.json()).toEqual({ error: 'out of reports' });
    expect(await chain.transfersFrom(agent.address)).toEqual([]);
  });

  it('is refused, not overcharged, when the price changes between quote and payment', async () => {
    const account = privateKeyToAccount(generatePrivateKey());
    await chain.fund(account.address, 5_000_000n);
    const client = new x402Client().register(chain.network, new ExactEvmScheme(account));
    const pay = wrapFetchWithPayment(async (input, init) => {
      const response = await fetch(input, init);
      seller.setPrice('/report', { amountAtomic: PRICE_ATOMIC + 1n });
      return response;
    }, client);

    const response = await pay(reportUrl);

    expect(response.status).toBe(402);
    const quote = Buffer.from(response.headers.get('PAYMENT-REQUIRED') ?? '', 'base64').toString();
    expect(JSON.parse(quote)).toMatchObject({
      error: 'No matching payment requirements',
      accepts: [{ amount: '20001' }],
    });
    expect(await chain.transfersFrom(account.address)).toEqual([]);
  });
});

describe('thirty stock agents at once', () => {
  it('all pay, each once, through one facilitator', async () => {
    const agents = await Promise.all(Array.from({ length: 30 }, fundedAgent));

    const responses = await Promise.all(agents.map((agent) => agent.fetch(reportUrl)));

    expect(responses.map((response) => response.status)).toEqual(agents.map(() => 200));
    const transfers = await Promise.all(agents.map((agent) => chain.transfersFrom(agent.address)));
    expect(transfers.map((each) => each.length)).toEqual(agents.map(() => 1));
  });
});

describe('the facilitator', () => {
  it('moves the money once for one authorization, however often and however parallel it is asked', async () => {
    const { payer, body } = await signedPayment();

    const parallel = await Promise.all([settle(body), settle(body), settle(body)]);
    const late = await settle(body);

    expect(parallel.filter((result) => result.success)).toHaveLength(1);
    expect(late).toMatchObject({
      success: false,
      errorReason: 'invalid_exact_evm_nonce_already_used',
      transaction: '',
    });
    expect(await chain.transfersFrom(payer)).toHaveLength(1);
  });

  it('settles good payments beside ones that cannot be settled', async () => {
    const good = await Promise.all(Array.from({ length: 6 }, () => signedPayment()));
    const bad = await Promise.all(Array.from({ length: 6 }, () => signedPayment(0n)));
    const mixed = good.flatMap((each, index) => [bad[index] ?? each, each]);

    const results = await Promise.all(mixed.map(({ body }) => settle(body)));

    expect(results.filter((result) => result.success)).toHaveLength(6);
    expect((await settle((await signedPayment()).body)).success).toBe(true);
  });

  it('answers rubbish as a bad request and goes on', async () => {
    const { body } = await signedPayment();
    const request = (text: string) =>
      fetch(`${facilitator.url}/settle`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: text,
      });

    expect((await request('{')).status).toBe(400);
    expect((await request('{}')).status).toBe(400);
    expect((await request(body.replaceAll(`"${PRICE_ATOMIC}"`, '"1e3"'))).status).toBe(500);
    expect((await settle(body)).success).toBe(true);
  });

  it('works on a second chain in the same process', async () => {
    await using other = await startChain();
    await using otherFacilitator = await startFacilitator({ chain: other });
    const { payer, body } = await signedPayment(PRICE_ATOMIC, other);

    expect(await settle(body, otherFacilitator)).toMatchObject({ success: true });
    expect(await other.transfersFrom(payer)).toHaveLength(1);
  });
});

async function signedPayment(fundsAtomic = PRICE_ATOMIC, on = chain) {
  const account = privateKeyToAccount(generatePrivateKey());
  if (fundsAtomic > 0n) await on.fund(account.address, fundsAtomic);
  const accepted: PaymentRequirements = {
    scheme: 'exact',
    network: on.network,
    asset: on.token,
    amount: PRICE_ATOMIC.toString(),
    payTo: PAY_TO,
    maxTimeoutSeconds: 60,
    extra: TOKEN_DOMAIN,
  };
  const { payload } = await new ExactEvmScheme(account).createPaymentPayload(2, accepted);
  const paymentPayload = { x402Version: 2, accepted, payload };
  const body = JSON.stringify({ x402Version: 2, paymentPayload, paymentRequirements: accepted });
  return { payer: account.address, body };
}

async function settle(body: string, by = facilitator) {
  const response = await fetch(`${by.url}/settle`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  });
  return (await response.json()) as { success: boolean; errorReason?: string; transaction: string };
}
