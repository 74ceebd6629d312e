import { sha256Hex } from '@countersign/kernel';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { askPrice } from './ask-price.ts';
import { GovernedPaymentError } from './errors.ts';
import {
  asking,
  offer,
  sold,
  startScriptedSeller,
  type SellerAnswer,
} from './testing/scripted-seller.ts';
import { type World, startWorld } from './testing/world.ts';

let world: World;

beforeEach(async () => {
  world = await startWorld();
});

afterEach(async () => {
  await world[Symbol.asyncDispose]();
});

describe('what sellers ask for', () => {
  it('may be version 1 of x402', async () => {
    const { amount, ...rest } = offer({ network: 'base-sepolia' });
    const accepts = [{ ...rest, maxAmountRequired: amount, resource: 'http://x', description: '' }];
    world.whenUnpaid = () => ({
      status: 402,
      body: JSON.stringify({ x402Version: 1, error: 'pay', accepts }),
    });

    expect((await world.payer()(`${world.seller.url}/report`)).status).toBe(200);

    expect(world.proposals()).toMatchObject([
      { body: { quote: { network: 'eip155:84532', amount: '20000' } } },
    ]);
    expect(world.seller.presented()[0]?.payment).toMatchObject({
      x402Version: 1,
      scheme: 'exact',
      network: 'base-sepolia',
      payload: { authorization: { value: '20000' } },
    });
  });

  it('may stand beside a challenge of another protocol', async () => {
    world.whenUnpaid = ({ url }) => {
      const answer = asking(`${world.seller.url}${url}`);
      if (typeof answer === 'string') return answer;
      const challenge =
        'Payment id="x", realm="seller", method="evm", intent="charge", request="e30"';
      return { ...answer, headers: { ...answer.headers, 'www-authenticate': challenge } };
    };
    expect((await world.payer()(`${world.seller.url}/report`)).status).toBe(200);
  });

  it('may be several things, of which the one that can be signed is taken', async () => {
    const permit2 = offer({
      extra: { assetTransferMethod: 'permit2', name: 'USDC', version: '2' },
    });
    const unknownToken = offer({ asset: `0x${'9'.repeat(40)}` });
    const solana = offer({ network: 'solana:mainnet' });
    world.whenUnpaid = () =>
      asking(world.seller.url, [solana, permit2, unknownToken, offer({ amount: '5' })]);
    expect((await world.payer()(`${world.seller.url}/report`)).status).toBe(200);
    expect(world.seller.presented()[0]?.payment?.accepted?.amount).toBe('5');
  });

  it.each([
    ['another scheme', () => asking('http://x', [offer({ scheme: 'upto' })])],
    [
      'another method',
      () => asking('http://x', [offer({ extra: { assetTransferMethod: 'permit2' } })]),
    ],
    ['another kind of chain', () => asking('http://x', [offer({ network: 'solana:mainnet' })])],
    [
      'another protocol',
      (): SellerAnswer => ({ status: 402, headers: { 'www-authenticate': 'L402' } }),
    ],
  ])('is refused clearly when it is %s', async (_, answer) => {
    world.whenUnpaid = answer;
    const error = await world
      .payer()(`${world.seller.url}/report`)
      .catch((it: unknown) => it);
    expect(error).toBeInstanceOf(GovernedPaymentError);
    expect(error).toMatchObject({ code: 'scheme_not_supported', retryable: false });
    expect(world.proposals()).toEqual([]);
  });

  it('is refused when it is no amount', async () => {
    world.whenUnpaid = () => asking('http://x', [offer({ amount: '1e3' })]);
    await expect(world.payer()(`${world.seller.url}/report`)).rejects.toMatchObject({
      code: 'invalid_request',
    });
  });

  it('is not paid to a server to which the request was redirected', async () => {
    await using other = await startScriptedSeller(() => asking('http://x'));
    world.whenUnpaid = () => ({ status: 302, headers: { location: `${other.url}/report` } });
    await expect(world.payer()(`${world.seller.url}/report`)).rejects.toMatchObject({
      name: 'GovernedPaymentError',
      code: 'invalid_request',
      message: expect.stringContaining(other.url),
    });
    expect(world.proposals()).toEqual([]);
  });

  it('is paid behind a redirect of the same server', async () => {
    world.whenUnpaid = ({ url }) =>
      url === '/old'
        ? { status: 301, headers: { location: '/new' } }
        : asking(`${world.seller.url}/new`);
    world.whenPaid = ({ url }) =>
      url === '/old' ? { status: 301, headers: { location: '/new' } } : sold('moved');
    expect(await (await world.payer()(`${world.seller.url}/old`)).text()).toBe('moved');
  });
});

describe('asking for the price', () => {
  it('tells what a proposal is made of, and pays nothing', async () => {
    const request = new Request(`${world.seller.url}/search`, { method: 'POST', body: 'why' });
    expect(await askPrice(request)).toMatchObject({
      quote: { network: 'eip155:84532', amount: '20000', payTo: offer()['payTo'] },
      resource: { method: 'POST', url: `${world.seller.url}/search`, bodyDigest: sha256Hex('why') },
    });
    expect(world.countersign.received).toEqual([]);
  });

  it('says nothing of what is free, and refuses what cannot be signed', async () => {
    world.whenUnpaid = () => ({ status: 200 });
    expect(await askPrice(new Request(world.seller.url))).toBeUndefined();
    world.whenUnpaid = () => ({ status: 402, body: '<h1>pay</h1>' });
    await expect(askPrice(new Request(world.seller.url))).rejects.toThrow(GovernedPaymentError);
  });
});
