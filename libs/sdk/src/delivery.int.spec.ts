import { once } from 'node:events';
import { type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PaymentUnresolved } from './errors.ts';
import { paymentOf } from './governed-fetch.ts';
import { type World, startWorld } from './testing/world.ts';

let world: World;

beforeEach(async () => {
  world = await startWorld();
});

afterEach(async () => {
  await world[Symbol.asyncDispose]();
});

describe('an answer that was paid for and is given up', () => {
  it('before its body is whole is not delivered, and the same call is the same payment', async () => {
    await using slow = await halfAnswers();
    const pay = world.payer({ fetch: slow.fetch });
    const controller = new AbortController();
    const reading = pay(`${world.seller.url}/report`, { signal: controller.signal });
    const answer = await slow.next();

    controller.abort(new Error('out of time'));

    await expect(reading).rejects.toThrow('out of time');
    expect(world.countersign.payments()).toMatchObject([{ delivered: false }]);
    answer.destroy();
    const again = pay(`${world.seller.url}/report`);
    (await slow.next()).end(' rest');
    expect(await (await again).text()).toBe('half rest');
    expect(world.countersign.payments()).toMatchObject([{ delivered: true }]);
    expect(slow.presented()).toHaveLength(2);
    expect(new Set(slow.presented()).size).toBe(1);
  });

  it('while its delivery is being reported is given whole', async () => {
    const held = world.countersign.holdDeliveries();
    const controller = new AbortController();
    const calling = world.payer()(`${world.seller.url}/report`, { signal: controller.signal });
    await held.asked;

    controller.abort(new Error('out of time'));

    const response = await calling;
    expect(await response.json()).toEqual({ report: 'sold' });
    expect(world.countersign.payments()).toMatchObject([{ delivered: false }]);
    held.release();
    await expect.poll(() => world.countersign.payments()[0]?.delivered).toBe(true);
  });
});

describe('an answer that was paid for and breaks off', () => {
  it('is a PaymentUnresolved, and the same call is the same payment', async () => {
    await using slow = await halfAnswers();
    const pay = world.payer({ fetch: slow.fetch });
    const reading = pay(`${world.seller.url}/report`).catch((error: unknown) => error);
    (await slow.next()).destroy();

    expect(await reading).toBeInstanceOf(PaymentUnresolved);
    expect(world.countersign.payments()).toMatchObject([{ delivered: false }]);
    const again = pay(`${world.seller.url}/report`);
    (await slow.next()).end();
    expect((await again).status).toBe(200);
    expect(new Set(slow.presented()).size).toBe(1);
  });

  it('tells who reads it, where it was long under way', async () => {
    await using slow = await halfAnswers('text/event-stream');
    const response = await world.payer({ fetch: slow.fetch })(`${world.seller.url}/events`);
    (await slow.next()).destroy();
    await expect(response.text()).rejects.toThrow('terminated');
    expect(world.countersign.payments()).toMatchObject([{ delivered: false }]);
  });
});

describe('an answer that comes bit by bit', () => {
  it.each([
    { what: 'events', type: 'text/event-stream; charset=utf-8', first: 'half' },
    { what: 'more than is held back', type: 'text/csv', first: 'x'.repeat(2_000_000) },
    { what: 'what takes longer than it is held back', type: 'text/csv', first: 'half' },
  ])('$what: is handed on at once, and delivered at its end', async ({ type, first }) => {
    await using slow = await halfAnswers(type, first);
    const response = await world.payer({ fetch: slow.fetch })(`${world.seller.url}/data`);
    const answer = await slow.next();
    const reader = response.body!.getReader();
    let bytes = 0;
    while (bytes < first.length) bytes += (await reader.read()).value!.byteLength;
    expect(world.countersign.payments()).toMatchObject([{ delivered: false }]);

    answer.end(' rest');

    expect(new TextDecoder().decode((await reader.read()).value)).toBe(' rest');
    expect((await reader.read()).done).toBe(true);
    expect(world.countersign.payments()).toMatchObject([{ delivered: true }]);
  });

  it('is the same answer otherwise', async () => {
    await using slow = await halfAnswers('text/csv');
    const reading = world.payer({ fetch: slow.fetch })(`${world.seller.url}/data?x=1`);
    (await slow.next()).end();
    const response = await reading;
    expect(response).toMatchObject({ status: 200, ok: true, statusText: 'Enough' });
    expect(response.url).toMatch(/\/data\?x=1$/);
    expect(response.headers.get('content-type')).toBe('text/csv');
    expect(paymentOf(response)?.id).toBe(world.countersign.payments()[0]?.id);
  });

  it('is reported though nobody reads it', async () => {
    await using slow = await halfAnswers();
    await Promise.all([
      world.payer({ fetch: slow.fetch })(`${world.seller.url}/data`),
      slow.next().then((answer) => answer.end()),
    ]);
    expect(world.countersign.payments()).toMatchObject([{ delivered: true }]);
  });
});

it('an answer without a body is delivered with its status', async () => {
  world.whenPaid = () => ({ status: 204 });
  const response = await world.payer()(`${world.seller.url}/order`, { method: 'DELETE' });
  expect(response.status).toBe(204);
  expect(world.countersign.payments()).toMatchObject([{ delivered: true }]);
});

/** Sellers' answers to paid requests whose second half comes when the spec says so; the world's seller names the price. */
async function halfAnswers(type = 'text/plain', first = 'half') {
  const answers: ServerResponse[] = [];
  const began: ServerResponse[] = [];
  const takers: ((answer: ServerResponse) => void)[] = [];
  const presented: string[] = [];
  const server = createServer((request, response) => {
    presented.push(String(request.headers['payment-signature']));
    response.writeHead(200, 'Enough', { 'content-type': type }).write(first);
    answers.push(response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const fetchFrom: typeof fetch = async (input, init) => {
    const request = new Request(input, init);
    if (!request.headers.has('payment-signature')) return fetch(request);
    const { pathname, search } = new URL(request.url);
    const response = await fetch(
      new Request(`http://127.0.0.1:${port}${pathname}${search}`, request),
    );
    began.push(...answers.splice(0, 1));
    while (takers[0] && began[0]) takers.shift()?.(began.shift()!);
    return response;
  };
  return {
    fetch: fetchFrom,
    presented: (): readonly string[] => presented,
    /** The next answer whose first half the caller's fetch has. */
    next: () =>
      new Promise<ServerResponse>((resolve) => {
        const answer = began.shift();
        if (answer) resolve(answer);
        else takers.push(resolve);
      }),
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
