import type { PaymentView } from '@countersign/contracts';
import { expect, expectTypeOf, it } from 'vitest';
import type { AnswerOf, CallOf, CountersignClient } from './client.ts';

declare const client: CountersignClient;

const quote = {
  scheme: 'exact',
  network: 'eip155:84532',
  asset: '0x036CbD53842c5426634e7929541eC2318f3dCF7e',
  amount: '20000',
  payTo: '0x1111111111111111111111111111111111111111',
  maxTimeoutSeconds: 60,
};
const resource = { method: 'GET', url: 'http://127.0.0.1/report' } as const;

/** Compiled and never run: a call that does not fit its route must not compile. */
async function misuse(): Promise<void> {
  await client.propose({ quote, resource });
  // @ts-expect-error an amount is text, never a number
  await client.propose({ quote: { ...quote, amount: 20_000 }, resource });
  // @ts-expect-error nothing can be bought with HEAD
  await client.propose({ quote, resource: { ...resource, method: 'HEAD' } });
  // @ts-expect-error there is no such field
  await client.propose({ quote, resource, tier: 'autonomous' });
  // @ts-expect-error the quote is missing
  await client.propose({ resource });

  await client.call('readHeads');
  // @ts-expect-error there is no such route
  await client.call('payMeInstead');
  // @ts-expect-error the payment's id is missing
  await client.call('readPayment');
  // @ts-expect-error the parameter is called id
  await client.call('readPayment', { params: { payment: 'pay_0_0' } });
  // @ts-expect-error this route takes no body
  await client.call('readPayment', { params: { id: 'pay_0_0' }, body: {} });
  // @ts-expect-error this route takes no query
  await client.call('readHeads', { query: { limit: 1 } });
  // @ts-expect-error a status outside the list
  await client.call('listPayments', { query: { status: 'paid' } });
  // @ts-expect-error both digests are needed
  await client.call('grant', { params: { id: 'pay_0_0' }, body: { quoteDigest: '' } });
  // @ts-expect-error two parameters are needed
  await client.call('closeTask', { params: { agent: 'research-1' } });
  // @ts-expect-error a delivery has a status
  await client.reportDelivery('pay_0_0', {});
}

it('is held by the compiler, which checks this file like any other', () => {
  expect(misuse).toBeTypeOf('function');
  expectTypeOf<AnswerOf<'readPayment'>>().toEqualTypeOf<PaymentView>();
  expectTypeOf<CallOf<'closeTask'>['params']>().toEqualTypeOf<{
    readonly agent: string;
    readonly task: string;
  }>();
});
