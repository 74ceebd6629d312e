import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { askPrice } from './ask-price.ts';
import { collectGarbage } from './testing/garbage.ts';
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
