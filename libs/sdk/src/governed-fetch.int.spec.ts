import { once } from 'node:events';
import { sha256Hex } from '@countersign/kernel';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CountersignClient } from './client.ts';
import { CountersignError, PaymentUnresolved } from './errors.ts';
import { governedFetch, paymentOf } from './governed-fetch.ts';
import { asking, offer, sold } from './testing/scripted-seller.ts';
import { type World, startWorld } from './testing/world.ts';

let world: World;

beforeEach(async () => {
  world = await startWorld();
});

afterEach(async () => {
  await world[Symbol.asyncDispose]();
});

describe('a request that costs nothing', () => {
  it('is passed on, and Countersign hears nothing of it', async () => {
    world.whenUnpaid = () => ({ status: 200, body: 'free' });
    const response = await world.payer()(`${world.seller.url}/free`);
    expect(await response.text()).toBe('free');
    expect(paymentOf(response)).toBeUndefined();
    expect(world.countersign.received).toEqual([]);
  });
});

describe('a request that costs', () => {
  it('is paid with what Countersign signed, and its delivery is reported', async () => {
    const pay = world.payer({
      task: 'report',
      category: 'data',
      purpose: 'to know',
      expectedAmount: 20_000n,
    });

    const response = await pay(`${world.seller.url}/report#top`);

    expect(await response.json()).toEqual({ report: 'sold' });
    expect(world.proposals()).toMatchObject([
      {
        body: {
          quote: { scheme: 'exact', network: 'eip155:84532', amount: '20000' },
          resource: { method: 'GET', url: `${world.seller.url}/report` },
          task: 'report',
          category: 'data',
          purpose: 'to know',
          expectedAmount: '20000',
        },
      },
    ]);
    const [payment] = world.countersign.payments();
    expect(payment?.delivered).toBe(true);
    expect(paymentOf(response)?.id).toBe(payment?.id);
    expect(world.seller.presented()[0]?.payment).toMatchObject({
      x402Version: 2,
      accepted: offer(),
      payload: {
        signature: payment?.signature,
        authorization: { value: '20000', nonce: payment?.authorization?.nonce },
      },
    });
  });

  it('is a new payment each time it was delivered', async () => {
    const pay = world.payer();
    await pay(`${world.seller.url}/report`);
    await pay(`${world.seller.url}/report`);
    expect(new Set(world.nonces()).size).toBe(2);
  });

  it('may cost more than the dollar to which the stock client limits itself', async () => {
    world.whenUnpaid = ({ url }) =>
      asking(`${world.seller.url}${url}`, [offer({ amount: '90000000' })]);
    expect((await world.payer()(`${world.seller.url}/report`)).status).toBe(200);
  });

  it('sends its body and headers again with the payment', async () => {
    const response = await world.payer()(`${world.seller.url}/search`, {
      method: 'POST',
      headers: { 'content-type': 'text/plain', 'x-own': '1' },
      body: 'a question',
    });
    expect(response.status).toBe(200);
    expect(world.seller.requests.map(({ method, body }) => [method, body])).toEqual([
      ['POST', 'a question'],
      ['POST', 'a question'],
    ]);
  });

  it('is not paid twice by a request that brings a payment of its own', async () => {
    const headers = { 'payment-signature': 'mine' };
    await expect(world.payer()(`${world.seller.url}/report`, { headers })).rejects.toThrow(
      TypeError,
    );
    expect(world.seller.requests).toEqual([]);
  });
});

describe('which purchase it is', () => {
  it('depends on the body: concurrent requests to one URL are paid each for itself', async () => {
    const pay = world.payer();
    const bodies = Array.from({ length: 20 }, (_, index) => `question ${index}`);

    await Promise.all(
      bodies.map((body) => pay(`${world.seller.url}/search`, { method: 'POST', body })),
    );

    const digests = world
      .proposals()
      .map(({ body }) => body as { resource: { bodyDigest: string } });
    expect(digests.map(({ resource }) => resource.bodyDigest).sort()).toEqual(
      bodies.map((body) => sha256Hex(body)).sort(),
    );
    expect(new Set(world.nonces()).size).toBe(20);
    // Every payment went out with the body it was made for.
    for (const { body, payment } of world.seller.presented()) {
      const own = world.countersign
        .payments()
        .find(({ resource }) => resource.bodyDigest === sha256Hex(body));
      expect(payment?.payload.signature).toBe(own?.signature);
    }
    expect(world.countersign.payments().every(({ delivered }) => delivered)).toBe(true);
  });

  it('does not depend on the time-out the seller names', async () => {
    let maxTimeoutSeconds = 60;
    world.whenUnpaid = ({ url }) =>
      asking(`${world.seller.url}${url}`, [offer({ maxTimeoutSeconds: (maxTimeoutSeconds += 1) })]);
    world.whenPaid = () => ({ status: 500 });
    const pay = world.payer();
    await pay(`${world.seller.url}/report`);
    await pay(`${world.seller.url}/report`);
    expect(new Set(world.nonces()).size).toBe(1);
  });
});

describe('a lost answer', () => {
  it('is a PaymentUnresolved, and the same call presents the same bytes again', async () => {
    const pay = world.payer();
    world.whenPaid = () => 'drop';

    const error = await pay(`${world.seller.url}/report`).catch((it: unknown) => it);

    expect(error).toBeInstanceOf(PaymentUnresolved);
    expect(error).toMatchObject({
      name: 'PaymentUnresolved',
      code: 'payment_unresolved',
      retryable: true,
      payment: { status: 'signed' },
      cause: expect.any(TypeError),
    });
    world.whenPaid = () => sold();
    expect((await pay(`${world.seller.url}/report`)).status).toBe(200);
    expect(world.countersign.payments()).toHaveLength(1);
    const [first, second] = world.seller.presented();
    expect(second?.payment).toEqual(first?.payment);
  });

  it('returns any other answer as it is and reports no delivery', async () => {
    world.whenPaid = () => ({ status: 500, body: 'out of reports' });
    const response = await world.payer()(`${world.seller.url}/report`);
    expect(response.status).toBe(500);
    expect(paymentOf(response)?.status).toBe('signed');
    expect(world.countersign.payments()[0]?.delivered).toBe(false);
  });

  it('keeps the reason with which the caller gave up', async () => {
    const reason = new Error('out of time');
    const controller = new AbortController();
    world.whenPaid = () => {
      controller.abort(reason);
      return 'drop';
    };
    await expect(
      world.payer()(`${world.seller.url}/report`, { signal: controller.signal }),
    ).rejects.toBe(reason);
  });
});

describe('Countersign itself', () => {
  it('is asked again while it does not answer, and then said to be unavailable', async () => {
    const client = new CountersignClient({ baseUrl: 'http://127.0.0.1:1', credential: 'agent' });
    const error = await governedFetch({ client })(`${world.seller.url}/report`).catch(
      (it: unknown) => it,
    );
    expect(error).toBeInstanceOf(CountersignError);
    expect(error).toMatchObject({ code: 'unavailable', retryable: true });
    expect(world.seller.presented()).toEqual([]);
  });

  it('may lose a delivery report or two', async () => {
    world.countersign.failDeliveries = 2;
    expect((await world.payer()(`${world.seller.url}/report`)).status).toBe(200);
    expect(world.countersign.payments()[0]?.delivered).toBe(true);
  });

  it('never costs the answer that was paid for', async () => {
    world.countersign.failDeliveries = 99;
    const failed: unknown[] = [];
    const pay = world.payer({ onDeliveryReportFailed: (...failure) => failed.push(...failure) });
    const response = await pay(`${world.seller.url}/report`);
    expect(await response.json()).toEqual({ report: 'sold' });
    expect(failed).toMatchObject([{ code: 'unavailable' }, { status: 'signed' }]);
  });

  it('never costs it where the caller does not want to hear of it either', async () => {
    world.countersign.failDeliveries = 99;
    const warned = once(process, 'warning');
    const pay = world.payer({
      onDeliveryReportFailed: () => {
        throw new Error('no room in the journal');
      },
    });
    const response = await pay(`${world.seller.url}/report`);
    expect(await response.json()).toEqual({ report: 'sold' });
    expect(String((await warned)[0])).toMatch(/could not be reported.*no room in the journal/);
  });
});
