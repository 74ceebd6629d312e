import { randomUUID } from 'node:crypto';
import {
  type KafkaConnection,
  type TopicsWanted,
  applyTopics,
  openKafkaInbox,
  openKafkaOutbox,
  planTopics,
} from '@countersign/adapter-kafka';
import type { OutcomeMessage, PaymentView } from '@countersign/contracts';
import { Unattributed, messagesDuty } from '@countersign/intake/service';
import { silentLog, systemTimers } from '@countersign/service-kit';
import kafkajs, { type Admin, type Producer, logLevel } from 'kafkajs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type KafkaServer, startKafka } from '../../deploy/local/kafka.mjs';
import { guarded } from '../../libs/adapters/kafka/src/testing/guarded.ts';
import { makeTopics, topicsFile } from '../../libs/adapters/kafka/src/testing/log-under-test.ts';
import { autonomous } from './policies.ts';
import { Speaker, outcomeIn } from './speaker.ts';
import { World, statementKey } from './world.ts';

const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, Kafka, ResourcePatternTypes } =
  kafkajs;
const INTAKE = 'intake';
const [MINE, OTHERS] = ['research-1', 'batch-1'];
const LATER = 'later-1';
const PASSWORDS = new Map(
  [INTAKE, MINE, OTHERS, LATER].map((name) => [name, randomUUID()] as const),
);

let server: KafkaServer;
let admin: Admin;
let prefix: string;
let wanted: TopicsWanted;
let world: World;
let unattributed: Unattributed;
let told: OutcomeMessage['data'][];
let closing: (() => Promise<unknown>)[];

const loginOf = (username: string, password = PASSWORDS.get(username) ?? '') => ({
  mechanism: 'plain' as const,
  username,
  password,
});
const as = (who: string, password?: string) =>
  new Kafka({
    brokers: [...server.brokers],
    sasl: loginOf(who, password),
    logLevel: logLevel.NOTHING,
    retry: { retries: 2 },
  });
const of = (...agents: readonly string[]) =>
  agents.map((agent) => ({ tenant: 'default', agent, principal: `User:${agent}` }));
const topicOf = (agent: string) => `${prefix}intents.inbound.default.${agent}`;
const mayWrite = (topic: string, principal: string) => ({
  resourceType: AclResourceTypes.TOPIC,
  resourceName: topic,
  resourcePatternType: ResourcePatternTypes.LITERAL,
  principal: `User:${principal}`,
  host: '*',
  operation: AclOperationTypes.WRITE,
  permissionType: AclPermissionTypes.ALLOW,
});

beforeAll(async () => {
  server = await startKafka({ settings: guarded(PASSWORDS) });
  admin = as(INTAKE).admin();
  await admin.connect();
});
afterAll(async () => {
  await admin.disconnect();
  await server.stop();
});
beforeEach(async () => {
  closing = [];
  told = [];
  world = await World.create();
  await world.usePolicy(autonomous());
  const place = await makeTopics(server.brokers, world.log.laneCount, {
    sasl: loginOf(INTAKE),
  });
  ({ prefix } = place);
  wanted = {
    ...place,
    clientId: 'setup',
    file: topicsFile,
    replication: 1,
    agents: of(MINE, OTHERS),
  };
  await applyTopics(wanted);
  await admin.createAcls({
    acl: [MINE, OTHERS].map((agent) => mayWrite(`${prefix}intents.inbound`, agent)),
  });
  await startDuty({ ...place, clientId: INTAKE });
});
afterEach(async () => {
  for (const close of closing.reverse()) await close();
  await world.stop();
});

async function startDuty(connection: KafkaConnection & { prefix: string; laneCount: number }) {
  const { clock } = world.time;
  unattributed = new Unattributed(clock, silentLog);
  const outbox = await openKafkaOutbox(connection);
  const duty = messagesDuty({
    host: world.services.host,
    key: statementKey('intake'),
    inbox: await openKafkaInbox({ ...connection, topicsOfAgents: true }),
    outbox: {
      ...{ through: (lane) => outbox.through(lane), close: () => outbox.close() },
      publish: async (outcomes) => {
        await outbox.publish(outcomes);
        told.push(...outcomes.map(({ bytes }) => outcomeIn(bytes).data));
        look();
      },
    },
    unattributed,
    clock,
    timers: systemTimers,
    log: silentLog,
    meter: { handled: () => look() },
  });
  duty.start();
  closing.push(
    () => outbox.close(),
    () => duty.stop(),
  );
}

let look = () => {};
async function until(isSo: () => boolean) {
  const { promise, resolve } = Promise.withResolvers<void>();
  look = () => isSo() && resolve();
  look();
  await promise;
}
const untilTold = (messageId: string) => until(() => told.some((it) => it.messageId === messageId));

async function writeAs(who: string, topic: string, bytes: Uint8Array): Promise<void> {
  const producer: Producer = as(who).producer({ allowAutoTopicCreation: false });
  await producer.connect();
  try {
    await producer.send({ topic, messages: [{ value: Buffer.from(bytes) }] });
  } finally {
    await producer.disconnect();
  }
}
/** The first outcome that a principal is given as a member of a group. */
async function firstRead(who: string, groupId: string): Promise<OutcomeMessage['data']> {
  const consumer = as(who).consumer({ groupId });
  await consumer.connect();
  try {
    await consumer.subscribe({ topic: `${prefix}intents.outcomes`, fromBeginning: true });
    const { promise, resolve, reject } = Promise.withResolvers<OutcomeMessage['data']>();
    consumer.on('consumer.crash', ({ payload }) => reject(payload.error));
    await consumer.run({
      eachMessage: ({ message }) => Promise.resolve(resolve(outcomeIn(message.value!).data)),
    });
    return await promise;
  } finally {
    await consumer.disconnect();
  }
}
const intent = (agent: string, id: string) => new Speaker(agent).intent(id, world.time.nowMs);
const payments = async () =>
  (await world.call<{ payments: PaymentView[] }>('owner', 'GET', '/v1/payments')).body.payments;

describe('an agent that is known by its principal, without any key', () => {
  it('pays with what it writes to its own topic', async () => {
    await writeAs(MINE, topicOf(MINE), intent(MINE, 'm1'));
    await until(() => told.some(({ payment }) => payment?.status === 'signed'));
    const signed = told.find(({ payment }) => payment?.status === 'signed');
    expect(signed).toMatchObject({ tenant: 'default', agent: MINE, messageId: 'm1' });
    expect(await payments()).toMatchObject([{ agent: MINE, status: 'signed' }]);
  });

  it('cannot write to the topic of another, nor with a password that is not its own', async () => {
    const message = intent(MINE, 'm1');
    await expect(writeAs(OTHERS, topicOf(MINE), message)).rejects.toThrow(/authoriz/i);
    await expect(as(MINE, 'wrong').producer().connect()).rejects.toThrow(/authentication/i);
    await writeAs(MINE, topicOf(MINE), intent(MINE, 'm2'));
    await untilTold('m2');
    expect(told.map(({ messageId }) => messageId)).not.toContain('m1');
    expect(await payments()).toHaveLength(1);
  });

  it('cannot speak for another from its own topic: it is told so, and the other is not', async () => {
    await writeAs(OTHERS, topicOf(OTHERS), intent(MINE, 'm1'));
    await untilTold('m1');
    expect(told).toMatchObject([
      { agent: OTHERS, messageId: 'm1', refused: { code: 'invalid_request' } },
    ]);
    expect(await payments()).toEqual([]);
  });

  it('is nobody in the topic that all may write to', async () => {
    await writeAs(MINE, `${prefix}intents.inbound`, intent(MINE, 'm1'));
    await until(() => unattributed.total > 0);
    expect(unattributed.newest.map(({ code }) => code)).toEqual(['unauthenticated']);
    expect([told, await payments()]).toEqual([[], []]);
  });
});

describe('what a further agent needs', () => {
  it('is planned without being made, and made once', async () => {
    const more = { ...wanted, agents: of(MINE, LATER) };
    const principal = `User:${LATER}`;
    const plan = await planTopics(more);
    expect(plan).toEqual([
      ...[
        { operation: 'write', resource: 'topic', name: topicOf(LATER) },
        { operation: 'read', resource: 'topic', name: `${prefix}intents.outcomes` },
        { operation: 'read', resource: 'group', name: `agent-default-${LATER}` },
      ].map((access) => ({ kind: 'allow', principal, ...access })),
      { kind: 'create', topic: topicOf(LATER), partitions: 1 },
    ]);
    expect(await planTopics(more)).toEqual(plan);
    expect(await applyTopics(more)).toEqual(plan);
    expect(await planTopics(more)).toEqual([]);
    expect(await applyTopics(more)).toEqual([]);
    await writeAs(LATER, topicOf(LATER), intent(LATER, 'm1'));
    await expect(writeAs(MINE, topicOf(LATER), intent(LATER, 'm2'))).rejects.toThrow(/authoriz/i);
  });

  it('lets it read what it is told in its own group, and in no other', async () => {
    await writeAs(MINE, topicOf(MINE), intent(MINE, 'm1'));
    await untilTold('m1');
    expect(await firstRead(MINE, `agent-default-${MINE}`)).toMatchObject({ messageId: 'm1' });
    await expect(firstRead(MINE, `agent-default-${OTHERS}`)).rejects.toThrow(
      // That is all the client says of it.
      'Failed to find group coordinator',
    );
  });

  it('is refused while somebody else may write to its topic, and nothing is made then', async () => {
    await admin.createAcls({ acl: [mayWrite(topicOf(LATER), OTHERS)] });
    const more = { ...wanted, agents: of(LATER) };
    const reason = `${topicOf(LATER)}: User:${OTHERS} may write to it as well`;
    expect(await planTopics(more)).toContainEqual({
      kind: 'refuse',
      topic: topicOf(LATER),
      reason,
    });
    await expect(applyTopics(more)).rejects.toMatchObject({
      ...{ code: 'topics_refused', message: reason, retryable: false },
    });
    expect(await admin.listTopics()).not.toContain(topicOf(LATER));
  });
});

describe('a topic of one agent that a second principal may write to', () => {
  it('keeps intake from starting, as it would not say who wrote', async () => {
    await admin.createAcls({ acl: [mayWrite(topicOf(MINE), OTHERS)] });
    const connection = { brokers: server.brokers, clientId: INTAKE, sasl: loginOf(INTAKE), prefix };
    await expect(openKafkaInbox({ ...connection, topicsOfAgents: true })).rejects.toMatchObject({
      code: 'topics_unsafe',
    });
  });
});
