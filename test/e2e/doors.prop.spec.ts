import type { Problem } from '@countersign/contracts';
import { Unattributed, messagesDuty } from '@countersign/intake/service';
import { silentLog } from '@countersign/service-kit';
import { MemoryMessages, quoteOf } from '@countersign/testkit';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { autonomous } from './policies.ts';
import type { Json } from './right-requests.ts';
import { Speaker, outcomeIn } from './speaker.ts';
import { spoilt } from './spoilt.ts';
import { World, statementKey } from './world.ts';

let world: World;
let unhandled: unknown[];
const note = (error: unknown) => void unhandled.push(error);
beforeEach(async () => {
  unhandled = [];
  process.on('unhandledRejection', note);
  world = await World.create();
  await world.usePolicy(autonomous());
});
afterEach(async () => {
  await world.stop();
  process.off('unhandledRejection', note);
  expect(unhandled).toEqual([]);
});

const proposal = (url = 'https://api.example.com/v1/embed') => ({
  quote: quoteOf() as unknown as Json,
  resource: { method: 'GET', url },
  purpose: 'to know',
  expectedAmount: '20000',
});

describe('the door for payments', () => {
  it('refuses what is not right with a code, whatever it is, and goes on', async () => {
    const headers = fc.record(
      { 'idempotency-key': fc.string({ maxLength: 300 }), prefer: fc.string() },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(spoilt(proposal()), headers, async (body, more) => {
        const asText = Object.entries(more).map(([name, it]) => [
          name,
          it.replaceAll(/[^ -~]/g, ''),
        ]);
        const options = { body: JSON.stringify(body), headers: json(Object.fromEntries(asText)) };
        const answer = await world.call('research-1', 'POST', '/v1/payments', options);
        expect([200, 202, 400, 409, 422, 429]).toContain(answer.status);
        if (answer.status >= 400) expect(codeOf(answer)).not.toBe('internal');
      }),
      { numRuns: 150 },
    );
    const after = await world.propose({ url: 'https://api.example.com/after' });
    expect([after.status, world.fatal]).toEqual([200, undefined]);
  });

  it('refuses bytes that are no JSON, and bodies of other kinds', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary' }), fc.string(), async (body, type) => {
        const kind = type.replaceAll(/[^ -~]/g, '');
        for (const contentType of ['application/json', kind === '' ? 'text/plain' : kind]) {
          const headers = { 'content-type': contentType };
          const answer = await world.call('research-1', 'POST', '/v1/payments', { body, headers });
          expect(answer.status).toBe(400);
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe('the door for messages', () => {
  it('answers or lists every message, and none keeps the next from being handled', async () => {
    const messages = new MemoryMessages();
    const agent = new Speaker('research-1');
    const owner = { tenant: 'default', person: 'owner' };
    await world.services.registry.setMessageKeys(owner, agent.agent, agent.keys);
    const { clock, timers } = world.time;
    const unattributed = new Unattributed(clock, silentLog);
    let refused = 0;
    const duty = messagesDuty({
      host: world.services.host,
      key: statementKey('intake'),
      inbox: messages.openInbox(),
      outbox: messages.openOutbox(),
      ...{ unattributed, clock, timers, log: silentLog },
      meter: {
        handled: (result, code) => {
          if (result === 'refused') refused += 1;
          expect(code).not.toBe('internal');
        },
      },
    });
    duty.start();
    const handled = async (bytes: Uint8Array, signature: string | null) => {
      messages.send({ key: 'default/research-1', bytes, signature });
      while (messages.unhandled > 0) await new Promise((resolve) => setImmediate(resolve));
    };
    const right = JSON.parse(
      new TextDecoder().decode(agent.intent('m1', world.time.nowMs)),
    ) as Json;
    const texts = fc.oneof(
      spoilt(right).map((it) => new TextEncoder().encode(JSON.stringify(it))),
      fc.uint8Array({ maxLength: 200 }),
    );
    const isSigned = fc.constantFrom(true, true, false);
    await fc.assert(
      fc.asyncProperty(texts, isSigned, fc.string(), async (bytes, signs, other) => {
        const before = unattributed.total + messages.outcomes.length;
        await handled(bytes, signs ? agent.sign(bytes) : other);
        expect(unattributed.total + messages.outcomes.length).toBeGreaterThan(before);
      }),
      { numRuns: 200 },
    );
    expect(refused).toBeGreaterThan(20);
    const last = agent.intent('last', world.time.nowMs, { url: 'https://api.example.com/last' });
    await handled(last, agent.sign(last));
    const told = messages.outcomes.map(({ bytes }) => outcomeIn(bytes).data);
    expect(told.some(({ messageId, payment }) => messageId === 'last' && payment)).toBe(true);
    await duty.stop();
  });
});

const json = (more: Record<string, string> = {}) => ({
  'content-type': 'application/json',
  ...more,
});
const codeOf = (answer: { body: unknown }) => (answer.body as Problem).code;
