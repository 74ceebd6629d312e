import type { Problem, SessionView, Verdict } from '@countersign/contracts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { autonomous, collaborative, during, perSession } from './policies.ts';
import { START_MS, World } from './world.ts';

const SESSION = '/v1/agents/research-1/sessions/run-7';
const HOUR_MS = 3_600_000;
let world: World;
beforeEach(async () => {
  world = await World.create();
  await world.usePolicy(autonomous());
});
afterEach(() => world.stop());

const open = (terms: object = {}, url = SESSION, who = 'owner') =>
  world.call<Problem & { expiresAtMs: number }>(who, 'PUT', url, {
    body: { seconds: 3_600, unit: 'USD', ceiling: '1000000', ...terms },
  });
const close = (who = 'owner') => world.call<Problem>(who, 'DELETE', SESSION);
const read = async (who = 'owner') => (await world.call<SessionView>(who, 'GET', SESSION)).body;
let bought = 0;
/** Something nobody bought before, for so many dollars. */
const buy = (dollars: string, change: object = {}, who = 'research-1') =>
  world.propose(
    {
      session: 'run-7',
      url: `https://api.example.com/v1/${(bought += 1)}`,
      quote: { amount: String(Number(dollars) * 1_000_000) },
      ...change,
    },
    { who },
  );

describe('a session', () => {
  it('is open for a time and an amount, and every answer says what is left', async () => {
    const { status, body } = await open();
    expect([status, body.expiresAtMs]).toEqual([200, START_MS + HOUR_MS]);
    const answers = await Promise.all(Array.from({ length: 6 }, () => buy('0.30')));
    expect(answers.filter((it) => it.body.status === 'signed')).toHaveLength(3);
    const denied = answers.find((it) => it.body.status === 'denied')?.body;
    expect(denied?.code).toBe('budget_exceeded');
    expect(denied?.session).toMatchObject({ state: 'open', available: '100000' });
    expect(denied?.available).toContainEqual(
      expect.objectContaining({ limit: 'ceiling', scope: 'session:research-1/run-7' }),
    );
    expect(await read()).toMatchObject({ open: '900000', spent: '0', available: '100000' });
  });

  it('commits what is paid, and gives back what never was', async () => {
    await open();
    const paid = await buy('0.30');
    await buy('0.40');
    await world.present(paid.body);
    await world.pass(90_000);
    expect(await read()).toMatchObject({ spent: '300000', open: '0', available: '700000' });
  });

  it('is over when its time is, by the time of the log', async () => {
    await open({ seconds: 60 });
    expect((await buy('0.01')).body.status).toBe('signed');
    await world.pass(60_000);
    const late = await buy('0.01');
    expect(late.body).toMatchObject({ status: 'denied', code: 'session_expired' });
    expect(await read()).toMatchObject({ state: 'expired' });
    const { body } = await world.call<{ sessions: SessionView[] }>('owner', 'GET', '/v1/sessions');
    expect(body.sessions).toEqual([]);
  });

  it('that was closed pays nothing more, and what it was is still told', async () => {
    await open();
    expect((await close('ada')).status).toBe(200);
    expect((await close()).status).toBe(200);
    const late = await buy('0.01');
    expect(late.body).toMatchObject({ status: 'denied', code: 'session_closed' });
    expect(late.body.session).toMatchObject({ state: 'closed' });
    expect(await read()).toMatchObject({ state: 'closed', closedBy: 'ada' });
  });

  it('nobody opened, or opened for another agent, pays nothing', async () => {
    expect((await buy('0.01')).body.code).toBe('session_unknown');
    await open();
    const other = await buy('0.01', {}, 'batch-1');
    expect(other.body).toMatchObject({ status: 'denied', code: 'session_unknown' });
    expect((await world.call<Problem>('batch-1', 'GET', SESSION)).body.code).toBe(
      'session_unknown',
    );
    const { body } = await world.call<{ sessions: SessionView[] }>(
      'batch-1',
      'GET',
      '/v1/sessions?agent=research-1',
    );
    expect(body.sessions).toEqual([]);
  });

  it('is opened by operators only, once under its name', async () => {
    expect((await open({}, SESSION, 'research-1')).body.code).toBe('not_permitted');
    expect((await open({}, SESSION, 'ada')).body.code).toBe('not_permitted');
    expect((await close('research-1')).body.code).toBe('not_permitted');
    expect((await open()).status).toBe(200);
    expect((await open()).status).toBe(200);
    expect((await open({ ceiling: '9000000' })).body.code).toBe('name_taken');
    expect((await read()).ceiling).toBe('1000000');
  });

  it('is asked for with every field as it must be', async () => {
    const bare = await world.call<Problem>('owner', 'PUT', SESSION, {
      body: { seconds: 60, ceiling: '1' },
    });
    expect(bare.body.errors).toEqual([expect.objectContaining({ path: 'unit' })]);
    const forever = await open({ seconds: 31_536_001 });
    expect(forever.body.errors).toEqual([expect.objectContaining({ path: 'seconds' })]);
    const reserved = await open({}, '/v1/agents/research-1/sessions/closed');
    expect(reserved.status).toBe(400);
  });
});

describe('what would be decided within a session', () => {
  const evaluate = async (change: object) => {
    const { quote, resource } = (await buy('0.30', { session: undefined })).body;
    const body = { agent: 'research-1', quote, resource, ...change };
    return (await world.call<Verdict & Problem>('owner', 'POST', '/v1/policies/evaluate', { body }))
      .body;
  };

  it('is told of one that is open, and leaves it as it was', async () => {
    await open();
    expect(await evaluate({ session: 'run-7' })).toMatchObject({ outcome: 'allow' });
    await buy('0.80');
    expect(await evaluate({ session: 'run-7' })).toMatchObject({
      ...{ outcome: 'deny', reasons: ['budget_exceeded'] },
    });
    expect(await evaluate({ session: 'run-8' })).toMatchObject({ reasons: ['session_unknown'] });
    expect(await read()).toMatchObject({ open: '800000' });
  });

  it('is told of one that nobody opened, by the terms it would have', async () => {
    const within = (ceiling: string, session: string | undefined = 'run-9') =>
      evaluate({ session, sessionTerms: { unit: 'USD', ceiling } });
    expect(await within('300000')).toMatchObject({ outcome: 'allow' });
    expect(await within('299999')).toMatchObject({ reasons: ['budget_exceeded'] });
    expect((await evaluate({ sessionTerms: {} })).errors).toEqual([
      expect.objectContaining({ path: 'session' }),
    ]);
    const bare = await evaluate({ session: 'run-9', sessionTerms: { ceiling: '1' } });
    expect(bare.errors).toEqual([expect.objectContaining({ path: 'sessionTerms.unit' })]);
  });

  it.each([
    // The world begins at 14:13:20 UTC.
    ['the hours of a tier are', during('14:12', '14:23'), {}, 'no_tier'],
    ['a session is', autonomous(), { session: 'run-7' }, 'session_expired'],
  ])('is told as of now: %s over, with nothing recorded since', async (_, policy, named, code) => {
    await world.usePolicy(policy);
    await open({ seconds: 60 });
    const { quote, resource } = (await buy('0.30')).body;
    const ask = async () => {
      const body = { agent: 'research-1', quote, resource, ...named };
      return (await world.call<Verdict>('owner', 'POST', '/v1/policies/evaluate', { body })).body;
    };
    expect(await ask()).toMatchObject({ outcome: 'allow' });
    await world.jump(3 * HOUR_MS);
    expect(await ask()).toMatchObject({ outcome: 'deny', reasons: [code] });
    expect((await buy('0.30', { session: undefined, ...named })).body.code).toBe(code);
  });
});

describe('what is available', () => {
  type Left = { limit: string; scope: string; amount?: string };
  const available = (who: string, query = '') =>
    world.call<Problem & { stopped: string | null; limits: Left[] }>(
      who,
      'GET',
      `/v1/agents/research-1/available${query}`,
    );

  it('is told to the agent and to operators, in the numbers of a decision', async () => {
    await open();
    const { body: paid } = await buy('0.30');
    const asked = await Promise.all(
      ['research-1', 'owner'].map((who) => available(who, '?session=run-7&seller=embeddings')),
    );
    for (const { body } of asked) {
      expect(body.stopped).toBeNull();
      expect(body.limits).toEqual(paid.available);
    }
    expect(asked[0]?.body.limits).toMatchObject([
      { limit: 'ceiling', scope: 'session:research-1/run-7', amount: '700000' },
      { limit: 'day', scope: 'agent:research-1', amount: '999700000' },
    ]);
  });

  it('knows that a session is over before anything else is recorded', async () => {
    await open({ seconds: 60 });
    expect((await available('research-1', '?session=run-7')).body.stopped).toBeNull();
    await world.jump(60_000);
    expect((await available('research-1', '?session=run-7')).body.stopped).toBe('session_expired');
  });

  it('says what stops everything, and nothing of another agent', async () => {
    await open();
    await close();
    expect((await available('research-1', '?session=run-7')).body.stopped).toBe('session_closed');
    await world.call('owner', 'POST', '/v1/agents/research-1/freeze', { body: {} });
    expect((await available('research-1')).body.stopped).toBe('frozen');
    expect((await available('batch-1')).body.code).toBe('agent_unknown');
    expect((await available('owner', '?session=run-8')).body.code).toBe('session_unknown');
    expect((await available('owner', '?task=none-such')).body.code).toBe('task_unknown');
    expect((await available('owner', '?seller=nobody')).body.code).toBe('seller_unknown');
  });
});

describe('a policy with a budget per session', () => {
  it('denies what names none, and holds beside the ceiling', async () => {
    await world.usePolicy(perSession());
    await open({ ceiling: '900000' });
    expect((await buy('0.01', { session: undefined })).body.code).toBe('session_required');
    expect((await buy('0.50')).body.status).toBe('signed');
    expect((await buy('0.20')).body.code).toBe('budget_exceeded');
    expect((await buy('0.10')).body.status).toBe('signed');
  });
});

describe('what people are asked', () => {
  it('names the session; closed meanwhile, their consent is not enough', async () => {
    await world.usePolicy(collaborative());
    await open();
    const wish = { url: 'https://api.example.com/v1/report' };
    const { body } = await buy('0.50', wish);
    await world.settle();
    const shown = await world.call<{ facts: { name: string; value: string }[] }>(
      'ada',
      'GET',
      `/v1/approvals/${body.id}`,
    );
    expect(shown.body.facts).toContainEqual({ name: 'Session', value: 'run-7; at most 1.00 USD' });
    const { approval, quoteDigest } = body;
    for (const person of ['ada', 'bo'])
      await world.call(person, 'POST', `/v1/approvals/${body.id}/grant`, {
        body: { quoteDigest, decisionId: approval?.decisionId },
      });
    await world.settle();
    await close();
    const claimed = await buy('0.50', wish);
    expect(claimed.body).toMatchObject({ id: body.id, status: 'denied', code: 'session_closed' });
    const story = await world.call<{ entries: { event: string; says: string }[] }>(
      'owner',
      'GET',
      `/v1/payments/${body.id}/timeline`,
    );
    const says = (event: string) =>
      story.body.entries.filter((it) => it.event === event).map((it) => it.says);
    expect(says('intent.submitted')[0]).toContain('in session run-7');
    expect(says('decision.made')[0]).toContain('session run-7 was open, ceiling 1.00 USD');
    expect(says('decision.made').at(-1)).toContain('the session it named was closed');
  });
});
