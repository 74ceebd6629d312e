import { openStore } from '@countersign/adapter-sqlite';
import { type AvailableView, type Verdict, decodeEvent } from '@countersign/contracts';
import { replayDecision } from '@countersign/policy';
import { parsePolicyText } from '@countersign/policy/text';
import type { Budgets } from '@countersign/ports';
import { PAYEE, quoteOf } from '@countersign/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { autonomous, collaborative } from './policies.ts';
import { World } from './world.ts';

const DAY = { kind: 'rolling', seconds: 86_400 };
const POLICY = autonomous({
  ...{ atMost: '50.00', perDay: '100.00' },
  prohibited: `[{ id: not-there, when: { routes: [/forbidden] } }]`,
});
const FORBIDDEN = { url: 'https://api.example.com/forbidden' };
let budgets: Budgets;
let world: World;
beforeEach(async () => {
  world = await World.create(':memory:', {
    budgetsOf: (log, clock) => {
      const store = openStore({ path: ':memory:', laneCount: 4, logId: log.logId, clock });
      budgets = store.budgets;
      return Promise.resolve(budgets);
    },
  });
  await world.usePolicy(POLICY);
});
afterEach(() => world.stop());

let bought = 0;
const buy = (dollars: number) =>
  world.propose({
    url: `https://api.example.com/v1/${(bought += 1)}`,
    quote: { amount: `${dollars}000000` },
  });
const left = (dollars: number, agent = 'research-1') => [
  { limit: 'day', scope: `agent:${agent}`, window: DAY, amount: `${dollars}000000` },
];

describe('a denial by no counter', () => {
  it('says what is left, as the door for that does, and takes nothing', async () => {
    await buy(30);
    const denied = [
      [await world.propose(FORBIDDEN), 'prohibited'],
      [await buy(51), 'no_tier'],
      [await world.propose({ quote: { asset: PAYEE } }), 'asset_not_declared'],
      [await world.propose({ quote: { payTo: `0x${'9'.repeat(40)}` } }), 'payee_mismatch'],
    ] as const;
    for (const [{ body }, code] of denied)
      expect(body).toMatchObject({ status: 'denied', code, available: left(70) });
    const { body } = await world.call<AvailableView>(
      'research-1',
      'GET',
      '/v1/agents/research-1/available',
    );
    expect(body.limits).toEqual(left(70));
    const quote = quoteOf();
    const resource = { method: 'GET', url: FORBIDDEN.url };
    const asked = { agent: 'research-1', quote, resource };
    const tried = await world.call<Verdict>('owner', 'POST', '/v1/policies/evaluate', {
      body: asked,
    });
    expect(tried.body).toMatchObject({ reasons: ['prohibited'], available: left(70) });
  });

  it('says so of an agent that is stopped, and of each agent its own', async () => {
    await buy(30);
    await world.call('owner', 'POST', '/v1/agents/research-1/freeze', { body: {} });
    expect((await buy(1)).body).toMatchObject({ code: 'frozen', available: left(70) });
    const other = await world.propose(FORBIDDEN, { who: 'batch-1' });
    expect(other.body.available).toEqual(left(100, 'batch-1'));
  });

  it('stands without it while the store cannot be asked', async () => {
    await budgets.close();
    const { body } = await world.propose(FORBIDDEN);
    expect(body).toMatchObject({ status: 'denied', code: 'prohibited' });
    expect(body.available).toBeUndefined();
  });

  it('is recorded with what was read, and comes out the same again', async () => {
    await buy(30);
    const { id } = (await world.propose(FORBIDDEN)).body;
    const { document } = parsePolicyText(POLICY);
    const lanes = ['0', '1', '2', '3'];
    const records = await Promise.all(lanes.map((lane) => world.log.read(lane, 0, 1_000)));
    const decided = records.flat().flatMap(({ bytes }) => {
      const event = decodeEvent(bytes);
      const isIt = !('undecodable' in event) && event.name === 'decision.made';
      return isIt && event.data.paymentId === id ? [event.data.decision] : [];
    });
    expect(decided).toMatchObject([{ answer: null, readings: [{ open: '30000000' }] }]);
    const again = decided.map((decision) => replayDecision(document, decision));
    expect(again).toMatchObject([{ agrees: true, verdict: { available: left(70) } }]);
  });

  it('does not count what the payment itself held while people were asked', async () => {
    const day = '{ id: day, scope: agent, window: { kind: lifetime }, atMost: "100.00" }';
    await world.usePolicy(collaborative({ budgets: `[${day}]` }));
    const url = '/v1/agents/research-1/sessions/run-7';
    await world.call('owner', 'PUT', url, { body: { seconds: 60 } });
    const wish = { session: 'run-7', quote: { amount: '30000000' } };
    const { body } = await world.propose(wish);
    for (const person of ['ada', 'bo'])
      await world.call(person, 'POST', `/v1/approvals/${body.id}/grant`, {
        body: { quoteDigest: body.quoteDigest, decisionId: body.approval?.decisionId },
      });
    await world.settle();
    await world.call('owner', 'DELETE', url);
    const claimed = await world.propose(wish);
    expect(claimed.body).toMatchObject({ id: body.id, status: 'denied', code: 'session_closed' });
    expect(claimed.body.available).toMatchObject([{ limit: 'day', amount: '100000000' }]);
  });
});
