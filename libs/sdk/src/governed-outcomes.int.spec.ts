import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  AwaitingApproval,
  GovernedPaymentError,
  PaymentDenied,
  PaymentStopped,
  PaymentUnresolved,
} from './errors.ts';
import { asking, offer } from './testing/scripted-seller.ts';
import { signedOf } from './outcome.ts';
import { type World, startWorld } from './testing/world.ts';

let world: World;

const base64 = (it: unknown) => Buffer.from(JSON.stringify(it)).toString('base64');

beforeEach(async () => {
  world = await startWorld();
});

afterEach(async () => {
  await world[Symbol.asyncDispose]();
});

describe('a payment that is not signed', () => {
  it.each([
    { status: 'denied', type: PaymentDenied, code: 'budget_exceeded', retryable: false },
    {
      status: 'awaiting_approval',
      type: AwaitingApproval,
      code: 'awaiting_approval',
      retryable: true,
    },
    { status: 'vetoed', type: PaymentStopped, code: 'vetoed', retryable: false },
    { status: 'frozen', type: PaymentStopped, code: 'frozen', retryable: false },
    { status: 'refused', type: PaymentStopped, code: 'refused', retryable: false },
    { status: 'expired', type: PaymentStopped, code: 'expired', retryable: true },
    { status: 'void', type: PaymentStopped, code: 'void', retryable: true },
    { status: 'canceled', type: PaymentStopped, code: 'canceled', retryable: true },
    { status: 'undecided', type: PaymentUnresolved, code: 'payment_unresolved', retryable: true },
    { status: 'signing', type: PaymentUnresolved, code: 'payment_unresolved', retryable: true },
    { status: 'mismatched', type: PaymentUnresolved, code: 'payment_unresolved', retryable: false },
  ] as const)('$status has its class and code', async ({ status, type, code, retryable }) => {
    world.countersign.script = status;

    const error = await world
      .payer()(`${world.seller.url}/report`)
      .catch((it: unknown) => it);

    expect(error).toBeInstanceOf(type);
    expect(error).toBeInstanceOf(GovernedPaymentError);
    expect(error).toMatchObject({ name: type.name, code, retryable, payment: { status } });
    expect(world.seller.presented()).toEqual([]);
  });

  it('says what to do instead, and what is waited for until when', async () => {
    world.countersign.script = 'denied';
    await expect(world.payer()(`${world.seller.url}/report`)).rejects.toMatchObject({
      alternative: 'Use /cheap.',
      message: 'Policy denied the payment of 0.02 USDC (budget_exceeded). Instead: Use /cheap.',
    });
    world.countersign.script = 'awaiting_approval';
    await expect(world.payer()(`${world.seller.url}/report`)).rejects.toMatchObject({
      waitsFor: { kind: 'quorum', quorum: 2 },
      untilMs: 1_790_000_060_000,
      message:
        'The payment of 0.02 USDC waits for people: 1 more of ada, bob, eve until 2026-09-21T14:14:20.000Z.',
    });
  });

  it('is not advised around a freeze', async () => {
    world.countersign.script = 'denied';
    const pay = world.payer();
    await pay(`${world.seller.url}/report`).catch(() => undefined);
    const [payment] = world.countersign.payments();
    if (!payment) throw new Error('nothing was proposed');
    const stopped = { ...payment, code: 'frozen' as const, reasons: ['frozen'] };
    expect(() => signedOf(stopped)).toThrow(
      'Policy denied the payment of 0.02 USDC (frozen). Nothing is paid until a person lifts the freeze.',
    );
  });

  it('speaks of a veto only from when people have been told', async () => {
    world.countersign.script = 'awaiting_approval';
    const pay = world.payer();
    await pay(`${world.seller.url}/report`).catch(() => undefined);
    const [payment] = world.countersign.payments();
    if (!payment?.approval) throw new Error('nobody is asked');
    const requirement = {
      kind: 'veto_window' as const,
      ...{ windowMs: 90_000, notifyWithinMs: 60_000, clearanceMs: 60_000 },
    };
    const approval = { ...payment.approval, requirement, grantedBy: [], openedAtMs: null };
    world.countersign.change(payment.id, { approval });
    await expect(pay(`${world.seller.url}/report`)).rejects.toThrow(
      'waits for people, who are being told, by 2026-09-21T14:14:20.000Z at the latest, and may then veto it for 90 s.',
    );
    world.countersign.change(payment.id, { approval: { ...approval, openedAtMs: 1 } });
    await expect(pay(`${world.seller.url}/report`)).rejects.toThrow(
      'waits for people, who may veto it until 2026-09-21T14:14:20.000Z.',
    );
  });

  it('is not presented when people stopped it after it was signed', async () => {
    const pay = world.payer();
    world.whenPaid = () => ({ status: 500 });
    await pay(`${world.seller.url}/report`);
    world.countersign.change(world.countersign.payments()[0]?.id ?? '', { stop: 'vetoed' });
    await expect(pay(`${world.seller.url}/report`)).rejects.toMatchObject({
      name: 'PaymentStopped',
      code: 'vetoed',
    });
    expect(world.seller.presented()).toHaveLength(1);
  });

  it('is not presented when something else was signed', async () => {
    const pay = world.payer();
    world.whenPaid = () => ({ status: 500 });
    await pay(`${world.seller.url}/report`);
    const [payment] = world.countersign.payments();
    const { authorization } = payment ?? {};
    if (!payment || !authorization) throw new Error('nothing was signed');
    world.countersign.change(payment.id, {
      authorization: { ...authorization, to: `0x${'2'.repeat(40)}` },
    });
    await expect(pay(`${world.seller.url}/report`)).rejects.toMatchObject({
      code: 'wrong_authorization',
    });
    expect(world.seller.presented()).toHaveLength(1);
  });
});

describe('waiting for people', () => {
  it('ends with the payment, claimed with a fresh quote', async () => {
    world.countersign.script = { clearedAfterMs: 60 };

    const response = await world.payer({ waitSeconds: 5 })(`${world.seller.url}/report`);

    expect(response.status).toBe(200);
    expect(world.countersign.payments()).toHaveLength(1);
    expect(world.seller.requests.filter(({ payment }) => !payment).length).toBeGreaterThan(1);
  });

  it('ends when the time is over', async () => {
    world.countersign.script = 'awaiting_approval';
    const startedMs = performance.now();
    await expect(world.payer({ waitSeconds: 1 })(`${world.seller.url}/report`)).rejects.toThrow(
      AwaitingApproval,
    );
    expect(performance.now() - startedMs).toBeGreaterThan(950);
    expect(world.countersign.payments()).toHaveLength(1);
  });

  it('goes on with the next call of the same request', async () => {
    world.countersign.script = { clearedAfterMs: 30 };
    const pay = world.payer();
    await expect(pay(`${world.seller.url}/report`)).rejects.toThrow(AwaitingApproval);
    await expect.poll(() => world.countersign.payments()[0]?.status).toBe('cleared');
    expect((await pay(`${world.seller.url}/report`)).status).toBe(200);
    expect(world.countersign.payments()).toHaveLength(1);
  });

  it('is not needed once they all consented, though the payment is not cleared yet', async () => {
    world.countersign.script = 'awaiting_approval';
    const pay = world.payer();
    await expect(pay(`${world.seller.url}/report`)).rejects.toThrow(AwaitingApproval);
    const [payment] = world.countersign.payments();
    if (!payment?.approval) throw new Error('nobody is asked');
    const approval = { ...payment.approval, grantedBy: ['ada', 'bob'] };
    world.countersign.change(payment.id, { approval });
    const ask = world.whenUnpaid;
    let asked = 0;
    world.whenUnpaid = (request) => {
      asked += 1;
      if (asked === 3) world.countersign.change(payment.id, { status: 'cleared' });
      return ask(request);
    };

    expect((await pay(`${world.seller.url}/report`)).status).toBe(200);
    expect(world.countersign.payments()).toHaveLength(1);
  });

  it('ends when the caller gives up', async () => {
    world.countersign.script = 'awaiting_approval';
    const signal = AbortSignal.timeout(50);
    await expect(
      world.payer({ waitSeconds: 30 })(`${world.seller.url}/report`, { signal }),
    ).rejects.toMatchObject({ name: 'TimeoutError' });
  });
});

describe('a seller that asks again', () => {
  it('gets the payment once, and the caller the payment and the answer', async () => {
    world.whenPaid = ({ url }) => asking(`${world.seller.url}${url}`);

    const error = await world
      .payer()(`${world.seller.url}/report`)
      .catch((it: unknown) => it);

    expect(error).toBeInstanceOf(PaymentUnresolved);
    const unresolved = error as PaymentUnresolved;
    expect(unresolved.retryable).toBe(true);
    expect(unresolved.response?.status).toBe(402);
    expect(unresolved.payment.id).toBe(world.countersign.payments()[0]?.id);
    expect(world.seller.presented()).toHaveLength(1);
    expect(world.countersign.payments()).toHaveLength(1);
  });

  it.each([
    ['its header', 'no_funds', (text: string) => ({ 'payment-required': base64({ error: text }) })],
    ['its body', 'no_funds', () => ({})],
  ])('is quoted with the reason in %s', async (_, error, headers) => {
    const body = JSON.stringify({ x402Version: 1, error });
    world.whenPaid = () => ({ status: 402, headers: headers(error), body });
    const failed = await world
      .payer()(`${world.seller.url}/report`)
      .catch((it: unknown) => it as PaymentUnresolved);
    expect(failed).toMatchObject({
      message: expect.stringMatching(/again\. The seller says, unchecked: “no_funds”$/),
    });
    expect(await (failed as PaymentUnresolved).response?.json()).toEqual(JSON.parse(body));
  });

  it('cannot write more than one short line of what others are told', async () => {
    const error = `“done”\n\u001b[2K\u202e${'a'.repeat(5_000)}`;
    world.whenPaid = () => ({ status: 402, headers: { 'payment-required': base64({ error }) } });
    await expect(world.payer()(`${world.seller.url}/report`)).rejects.toMatchObject({
      message: expect.stringMatching(/: “'done'\\u\{a\}\\u\{1b\}\[2K\\u\{202e\}a{188}…”$/),
    });
  });

  it('whose reason never ends is not waited for', async () => {
    const body = '{"error":"no_funds"';
    world.whenPaid = () => ({ status: 402, body, unfinished: true });
    await expect(world.payer()(`${world.seller.url}/report`)).rejects.toThrow(
      /make the same request again\.$/,
    );
  });

  it.each(['{', '[]', 'null', '{"error":7}'])('and says %s is not quoted', async (text) => {
    const headers = { 'payment-required': Buffer.from(text).toString('base64') };
    world.whenPaid = () => ({ status: 402, headers });
    await expect(world.payer()(`${world.seller.url}/report`)).rejects.toThrow(
      /make the same request again\.$/,
    );
  });

  it('is told apart when the chain shows that it was paid', async () => {
    const transactionHash = `0x${'ab'.repeat(32)}`;
    world.whenPaid = ({ url }) => {
      const id = world.countersign.payments()[0]?.id ?? '';
      const settlement = { level: 'latest' as const, transactionHash, blockNumber: 7 };
      world.countersign.change(id, { settlement });
      return asking(`${world.seller.url}${url}`);
    };
    await expect(world.payer()(`${world.seller.url}/report`)).rejects.toMatchObject({
      name: 'PaymentUnresolved',
      retryable: false,
      message: expect.stringContaining(transactionHash),
      payment: { settlement: { transactionHash } },
    });
  });

  it('is not paid again for what is settled, not even with the same bytes once they are gone', async () => {
    const pay = world.payer();
    world.whenPaid = () => 'drop';
    await pay(`${world.seller.url}/report`).catch(() => undefined);
    const id = world.countersign.payments()[0]?.id ?? '';
    world.countersign.change(id, { status: 'settled', signature: undefined });

    await expect(pay(`${world.seller.url}/report`)).rejects.toMatchObject({
      name: 'PaymentUnresolved',
      payment: { status: 'settled' },
    });
    expect(world.countersign.payments()).toHaveLength(1);
    expect(world.seller.presented()).toHaveLength(1);
  });

  it('for another price gets nothing while the first payment is open', async () => {
    const pay = world.payer();
    world.whenPaid = () => ({ status: 500 });
    await pay(`${world.seller.url}/report`);
    world.whenUnpaid = ({ url }) =>
      asking(`${world.seller.url}${url}`, [offer({ amount: '20001' })]);
    await expect(pay(`${world.seller.url}/report`)).rejects.toMatchObject({
      name: 'PaymentUnresolved',
      code: 'payment_unresolved',
      payment: { quote: { amount: '20000' } },
      cause: { code: 'payment_unresolved', status: 409 },
    });
  });
});
