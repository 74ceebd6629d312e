import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { askPrice } from './ask-price.ts';
import { collectGarbage } from './testing/garbage.ts';
import { sold } from './testing/scripted-seller.ts';
import { type World, startWorld } from './testing/world.ts';

let world: World;

beforeEach(async () => {
  world = await startWorld();
});

afterEach(async () => {
  await world[Symbol.asyncDispose]();
});

describe('a call under way when memory is collected', () => {
  const calls = {
    'a signal beside its URL': (url: string, signal: AbortSignal) => world.payer()(url, { signal }),
    'a request of its own': (url: string, signal: AbortSignal) =>
      world.payer()(new Request(url, { signal })),
  };

  it.each(Object.entries(calls))('ends with %s before the answer is there', async (_, call) => {
    const controller = new AbortController();
    const asked = new Promise<void>((resolve) => {
      world.whenPaid = () => {
        resolve();
        return 'silence';
      };
    });
    const calling = call(`${world.seller.url}/report`, controller.signal);
    await asked;
    await collectGarbage();

    controller.abort(new Error('out of time'));

    await expect(calling).rejects.toThrow('out of time');
  });

  it.each(Object.entries(calls))('ends with %s while the body comes', async (_, call) => {
    const headers = { 'content-type': 'text/event-stream' };
    world.whenPaid = () => ({ status: 200, headers, body: 'data: 1', unfinished: true });
    const controller = new AbortController();
    const response = await call(`${world.seller.url}/events`, controller.signal);
    const reading = response.text();
    await collectGarbage();

    controller.abort(new Error('out of time'));

    await expect(reading).rejects.toThrow('out of time');
  });

  it('ends while it only asks for the price', async () => {
    const controller = new AbortController();
    const asked = new Promise<void>((resolve) => {
      world.whenUnpaid = () => {
        resolve();
        return 'silence';
      };
    });
    const asking = askPrice(new Request(world.seller.url, { signal: controller.signal }));
    await asked;
    await collectGarbage();

    controller.abort(new Error('out of time'));

    await expect(asking).rejects.toThrow('out of time');
  });
});

describe('an answer that was paid for and that nobody reads', () => {
  const headers = { 'content-type': 'text/event-stream' };
  const events = { status: 200, headers, body: 'data: 1', unfinished: true };
  const table = sold('x'.repeat(20_000_000));

  it.each([
    { what: 'events', answer: events },
    { what: 'more than is held back', answer: table },
  ])('$what: lets go of its connection once it is collected', async ({ answer }) => {
    world.whenPaid = () => answer;
    const status = () =>
      world
        .payer()(`${world.seller.url}/data`)
        .then((response) => response.status);
    expect(await status()).toBe(200);
    expect(world.seller.answering()).toBe(1);
    const answering = async () => {
      await collectGarbage();
      return world.seller.answering();
    };
    await expect.poll(answering, { timeout: 30_000 }).toBe(0);
    expect(world.countersign.payments()).toMatchObject([{ delivered: false }]);
  });

  it('keeps it where only the body is held, and was begun', async () => {
    world.whenPaid = () => table;
    const bodyOf = () =>
      world
        .payer()(`${world.seller.url}/data`)
        .then(({ body }) => body!);
    const body = await bodyOf();
    const reader = body.getReader();
    let bytes = (await reader.read()).value!.byteLength;
    await collectGarbage();
    reader.releaseLock();
    await collectGarbage();
    for await (const chunk of body) bytes += chunk.byteLength;
    expect(bytes).toBe(20_000_000);
  });
});
