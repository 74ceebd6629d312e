import { wrapFetchWithPayment, x402Client } from '@x402/fetch';
import { expect, it } from 'vitest';
import { CountersignClient } from './client.ts';
import { PaymentDenied } from './errors.ts';
import { governedScheme } from './governed-scheme.ts';
import { startScriptedCountersign } from './testing/scripted-countersign.ts';
import { asking, sold, startScriptedSeller } from './testing/scripted-seller.ts';

async function startWorld(sellerUrl = 'http://api.example.com/report') {
  const countersign = await startScriptedCountersign();
  const seller = await startScriptedSeller(({ payment }) => (payment ? sold() : asking(sellerUrl)));
  const client = new CountersignClient({ baseUrl: countersign.url, credential: 'agent' });
  const x402 = new x402Client().register('eip155:*', governedScheme({ client }));
  return {
    countersign,
    seller,
    x402,
    pay: wrapFetchWithPayment(fetch, x402),
    async [Symbol.asyncDispose]() {
      await seller[Symbol.asyncDispose]();
      await countersign[Symbol.asyncDispose]();
    },
  };
}

it('pays under a wrapper of the program, for the URL the seller announces, and reports the delivery', async () => {
  await using world = await startWorld();

  expect((await world.pay(`${world.seller.url}/report`)).status).toBe(200);

  expect(world.countersign.received.map(({ route }) => route)).toEqual([
    'proposePayment',
    'reportDelivery',
  ]);
  expect(world.countersign.payments()).toMatchObject([
    { resource: { method: 'GET', url: 'http://api.example.com/report' }, delivered: true },
  ]);
});

it('refuses with the same words under the wrapper, and whole to the hook of the stock client', async () => {
  await using world = await startWorld();
  world.countersign.script = 'denied';
  const failures: unknown[] = [];
  world.x402.onPaymentCreationFailure(async ({ error }) => void failures.push(error));

  await expect(world.pay(`${world.seller.url}/report`)).rejects.toThrow(
    'Failed to create payment payload: Policy denied the payment of 0.02 USDC (budget_exceeded).',
  );

  expect(failures).toEqual([expect.any(PaymentDenied)]);
  expect(world.seller.presented()).toEqual([]);
});

it('refuses where the seller announces no URL', async () => {
  await using world = await startWorld('');
  await expect(world.pay(`${world.seller.url}/report`)).rejects.toThrow('Nothing can be bought');
});
