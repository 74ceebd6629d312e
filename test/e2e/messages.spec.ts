import { IntakeModule, Unattributed, messagesDuty } from '@countersign/intake/service';
import { createHttpApp, silentLog } from '@countersign/service-kit';
import { MemoryMessages } from '@countersign/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { autonomous, collaborative } from './policies.ts';
import { Speaker, outcomeIn } from './speaker.ts';
import { World, statementKey } from './world.ts';

const OWNER = { tenant: 'default', person: 'owner' };
const SENDER = { tenant: 'default', agent: 'research-1' };

let world: World;
let messages: MemoryMessages;
let unattributed: Unattributed;
let duty: ReturnType<typeof messagesDuty>;
let agent: Speaker;
let handled: string[];

function startDuty() {
  unattributed = new Unattributed(world.time.clock, silentLog);
  duty = messagesDuty({
    host: world.services.host,
    key: statementKey('intake'),
    inbox: messages.openInbox(),
    outbox: messages.openOutbox(),
    unattributed,
    clock: world.time.clock,
    timers: world.time.timers,
    log: silentLog,
    meter: { handled: (result, code) => handled.push(`${result} ${code}`) },
  });
  duty.start();
}

beforeEach(async () => {
  world = await World.create();
  messages = new MemoryMessages();
  handled = [];
  agent = new Speaker('research-1');
  await world.services.registry.setMessageKeys(OWNER, agent.agent, agent.keys);
  await world.usePolicy(autonomous());
  startDuty();
});
afterEach(async () => {
  await duty.stop();
  await world.stop();
});

const now = () => world.time.nowMs;
/** Sends, and lets it be handled. */
async function send(
  bytes: Uint8Array,
  options: { signature?: string | null; sender?: typeof SENDER; key?: string } = {},
) {
  const { signature = agent.sign(bytes), sender = null, key = 'default/research-1' } = options;
  messages.send({ key, bytes, signature, sender });
  await until(() => messages.unhandled === 0 || messages.outboxIsOut);
  await world.settle();
}
/** Sealing is done by the platform's own threads, so that the turns it takes cannot be counted. */
async function until(isSo: () => boolean) {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
}
const untilTold = (status: string) => until(() => statuses().includes(status));
const answersTo = (id: string) => told().flatMap(({ data }) => (data.messageId === id ? data : []));
const told = () => messages.outcomes.map(({ bytes }) => outcomeIn(bytes));
const statuses = () => told().map(({ data }) => data.payment?.status ?? data.refused?.code);
const payments = async () =>
  (await world.call<{ payments: { id: string }[] }>('owner', 'GET', '/v1/payments')).body.payments;

describe('an intent that came as a signed message', () => {
  it('is answered, and its payment told with the signature sealed to the agent', async () => {
    await send(agent.intent('m1', now()));
    await untilTold('signed');
    const signed = told().find(({ data }) => data.payment?.status === 'signed')!;
    expect(signed.data).toMatchObject({ tenant: 'default', agent: 'research-1', messageId: 'm1' });
    const payment = await agent.open(signed);
    expect(payment.signature).toMatch(/^0x/);
    const open = messages.outcomes.map(({ bytes }) => new TextDecoder().decode(bytes)).join();
    expect(open).not.toContain(payment.signature!.slice(2, 40));
    expect(new Set(told().map(({ data }) => data.messageId))).toEqual(new Set(['m1']));
  });

  it('is one purchase however often it comes, and never another one under its id', async () => {
    const bytes = agent.intent('m1', now());
    await send(bytes);
    await send(bytes);
    await send(agent.intent('m1', now(), { quote: { amount: '30000' } }));
    expect(statuses()).toContain('idempotency_key_reused');
    expect(await payments()).toHaveLength(1);
  });

  it('begins nothing when it is old or ahead, and finds what it began before', async () => {
    const bytes = agent.intent('m1', now());
    await send(bytes);
    await send(agent.intent('m2', now() - 300_001, { url: 'https://api.example.com/v2' }));
    expect(answersTo('m2')).toMatchObject([{ refused: { code: 'message_too_old' } }]);
    await send(agent.intent('m3', now() + 60_001, { url: 'https://api.example.com/v3' }));
    expect(answersTo('m3')[0]!.refused).toMatchObject({
      code: 'invalid_request',
      errors: [{ path: 'time' }],
    });
    world.time.moveTo(now() + 400_000);
    await send(bytes);
    expect(answersTo('m1').every(({ payment }) => payment !== undefined)).toBe(true);
    expect(await payments()).toHaveLength(1);
  });

  it('is denied with reasons, as over HTTP', async () => {
    await send(agent.intent('m1', now(), { quote: { payTo: `0x${'9'.repeat(40)}` } }));
    await untilTold('denied');
    const denied = told().find(({ data }) => data.payment?.status === 'denied')!;
    expect(denied.data.payment).toMatchObject({ final: true });
    expect(denied.data.payment!.reasons.length).toBeGreaterThan(0);
  });

  it('is refused by its name where a field is not as it must be', async () => {
    await send(agent.intent('m1', now(), { data: { amount: 1 }, envelope: { subject: 'x' } }));
    expect(answersTo('m1')).toMatchObject([{ refused: { code: 'invalid_request' } }]);
    await send(agent.intent('m2', now(), { quote: { amount: '-1' } }));
    expect(answersTo('m2')[0]!.refused!.errors).toMatchObject([{ path: 'data.quote.amount' }]);
    await send(agent.intent('m3', now(), { url: 'ftp://api.example.com' }));
    expect(answersTo('m3')[0]!.refused!.errors).toMatchObject([{ path: 'data.resource.url' }]);
    const task: unknown = JSON.parse(`${'['.repeat(1_000)}${']'.repeat(1_000)}`);
    await send(agent.intent('m4', now(), { data: { task } }));
    expect(answersTo('m4')[0]!.refused!.errors).toMatchObject([
      { path: expect.stringMatching(/^data\.task\.0\.0/), message: 'nested more than 32 deep' },
    ]);
  });

  it('is claimed by a further message once people cleared it, and not by the same', async () => {
    await world.usePolicy(collaborative());
    const first = agent.intent('m1', now());
    await send(first);
    await untilTold('awaiting_approval');
    const { id } = (await payments())[0]!;
    for (const person of ['ada', 'bo']) {
      const { body } = await world.call<never>(person, 'GET', `/v1/approvals/${id}`);
      const { quoteDigest, approval } = (
        body as { payment: { quoteDigest: string; approval: { decisionId: string } } }
      ).payment;
      const grant = { quoteDigest, decisionId: approval.decisionId };
      await world.call(person, 'POST', `/v1/approvals/${id}/grant`, { body: grant });
    }
    await untilTold('cleared');
    await send(first);
    expect(statuses()).not.toContain('signed');
    await send(agent.intent('m2', now()));
    await untilTold('signed');
    expect(told().find(({ data }) => data.messageId === 'm2')!.data.payment!.id).toBe(id);
  });

  it('may be made again after a delivery was reported', async () => {
    await send(agent.intent('m1', now()));
    const [{ id }] = (await payments()) as [{ id: string }];
    await send(agent.delivery('d1', now(), id));
    await send(agent.intent('m2', now()));
    expect(await payments()).toHaveLength(2);
    await send(agent.delivery('d2', now(), `pay_0_${'0'.repeat(32)}`));
    expect(answersTo('d2')).toMatchObject([{ refused: { code: 'payment_unknown' } }]);
  });
});

describe('a message nobody can be held to have sent', () => {
  const text = (it: string) => new TextEncoder().encode(it);
  const stranger = new Speaker('research-1');
  const cases: [string, () => [Uint8Array, string | null], string][] = [
    ['is no JSON', () => [text('{'), null], 'undecodable'],
    ['is empty', () => [text(''), null], 'undecodable'],
    ['is no UTF-8', () => [new Uint8Array([0xff, 0xfe]), null], 'undecodable'],
    ['names nobody', () => [text('{"source":{"agent":1}}'), null], 'undecodable'],
    ['is nested without end', () => [text('['.repeat(60_000)), null], 'undecodable'],
    ['is too large', () => [text(`"${'x'.repeat(70_000)}"`), null], 'too_large'],
    [
      'names an agent that is not there',
      () => [new Speaker('who').intent('m', 0), null],
      'agent_unknown',
    ],
    [
      'names one without a key',
      () => [new Speaker('batch-1').intent('m', 0), null],
      'unauthenticated',
    ],
    ['is not signed', () => [agent.intent('m', now()), null], 'not_genuine'],
    [
      'is signed by another',
      () => ((it) => [it, stranger.sign(it)])(agent.intent('m', now())),
      'not_genuine',
    ],
    [
      'is signed for other bytes',
      () => [agent.intent('m', now()), agent.sign(text('x'))],
      'not_genuine',
    ],
  ];

  it.each(cases)(
    'is listed and not answered, and the next one is handled: it %s',
    async (_, make, code) => {
      const [bytes, signature] = make();
      await send(bytes, { signature });
      expect(unattributed.newest.map((it) => it.code)).toEqual([code]);
      expect(told()).toEqual([]);
      await send(agent.intent('after', now()));
      await untilTold('signed');
    },
  );
});

describe("a message from a topic that only one agent's principal may write to", () => {
  it('is proven by that alone while the agent has no key, and by its key once it has one', async () => {
    const bytes = agent.intent('m1', now());
    await send(bytes, { signature: null, sender: SENDER });
    expect(unattributed.newest.map((it) => it.code)).toEqual(['not_genuine']);
    await world.services.registry.setMessageKeys(OWNER, agent.agent, null);
    await send(bytes, { signature: null, sender: SENDER });
    await untilTold('signed');
    const signed = told().find(({ data }) => data.payment?.status === 'signed')!;
    expect(signed.data.sealed).toBeUndefined();
  });

  it('speaks for nobody else, and is answered even where it cannot be read', async () => {
    await world.services.registry.setMessageKeys(OWNER, agent.agent, null);
    const other = new Speaker('batch-1').intent('m1', now());
    await send(other, { signature: null, sender: SENDER });
    await send(new Uint8Array([1]), { signature: null, sender: SENDER });
    expect(told().map(({ data }) => [data.agent, data.messageId, data.refused?.code])).toEqual([
      ['research-1', 'm1', 'invalid_request'],
      ['research-1', null, 'invalid_request'],
    ]);
    expect(await payments()).toEqual([]);
  });
});

describe('a message that was let lie', () => {
  let app: Awaited<ReturnType<typeof createHttpApp>>;
  beforeEach(async () => {
    const { host } = world.services;
    const { clock, timers } = world.time;
    const parts = { host, key: statementKey('intake'), clock, timers, unattributed };
    app = await createHttpApp(host, [IntakeModule.with({ ...parts, messages: duty })], silentLog);
    await app.init();
    await app.getHttpAdapter().getInstance().ready();
  });
  afterEach(() => app.close());
  const resubmit = async (place: string, who = 'owner') => {
    const headers = { authorization: `Bearer ${world.credentials[who]}` };
    const url = '/v1/messages/resubmit';
    const response = await app.inject({ method: 'POST', url, headers, payload: { place } });
    await world.settle();
    return { status: response.statusCode, body: response.json<Record<string, unknown>>() };
  };

  it('begins its payment when its agent has a key and an operator submits it again, once', async () => {
    const late = new Speaker('batch-1');
    const bytes = late.intent('m1', now());
    await send(bytes, { signature: late.sign(bytes), key: 'default/batch-1' });
    const { place } = unattributed.newest[0]!;
    expect((await resubmit(place)).body).toMatchObject({ result: 'unattributed' });
    await world.services.registry.setMessageKeys(OWNER, 'batch-1', late.keys);
    await world.jump(3_600_000);
    const first = await resubmit(place);
    const second = await resubmit(place);
    expect(first.body).toMatchObject({ result: 'accepted', code: null });
    expect(second.body).toEqual(first.body);
    await untilTold('signed');
    expect(answersTo('m1').length).toBeGreaterThan(0);
    expect(await payments()).toHaveLength(1);
    const url = `/v1/payments/${String(first.body['paymentId'])}/timeline`;
    const { body } = await world.call<{ entries: { says: string }[] }>('owner', 'GET', url);
    expect(body.entries[0]?.says).toContain('that owner submitted once more');
    expect(handled).toEqual(['unattributed unauthenticated', 'accepted none', 'accepted none']);
  });

  it('is still judged like any other', async () => {
    await send(agent.intent('m1', now() - 3_600_000, { quote: { amount: '0.1' } }));
    expect((await resubmit('memory:0')).body).toEqual({
      result: 'refused',
      code: 'invalid_request',
      paymentId: null,
    });
  });

  it('is submitted again by operators alone, and only where one stands', async () => {
    await send(agent.intent('m1', now()));
    expect((await resubmit('memory:0', 'ada')).status).toBe(403);
    expect((await resubmit('memory:0', 'research-1')).status).toBe(403);
    expect(await resubmit('memory:1')).toMatchObject({ status: 404, body: { code: 'not_found' } });
  });

  it('cannot be submitted where no messages are taken', async () => {
    const body = { place: 'memory:0' };
    const answer = await world.call('owner', 'POST', '/v1/messages/resubmit', { body });
    expect(answer).toMatchObject({ status: 404, body: { code: 'not_found' } });
  });
});

describe('a crash', () => {
  it('between what was done and its answer repeats the answer, and nothing else', async () => {
    messages.outboxIsOut = true;
    await send(agent.intent('m1', now()));
    expect(await payments()).toHaveLength(1);
    await duty.stop();
    messages.outboxIsOut = false;
    startDuty();
    await until(() => messages.unhandled === 0);
    await untilTold('signed');
    expect(new Set(statuses())).toEqual(new Set(['signed']));
    expect(await payments()).toHaveLength(1);
  });

  it('loses no outcome that came while nobody told any', async () => {
    await send(agent.intent('m1', now()));
    await untilTold('signed');
    await duty.stop();
    const signed = told().find(({ data }) => data.payment?.status === 'signed')!;
    await world.present(await agent.open(signed));
    await world.pass(5_000);
    expect(statuses()).not.toContain('settled');
    startDuty();
    await untilTold('settled');
  });
});
