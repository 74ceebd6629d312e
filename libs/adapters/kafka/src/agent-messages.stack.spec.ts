import { randomUUID } from 'node:crypto';
import { zstdCompressSync } from 'node:zlib';
import type { AgentInbox, InboundMessage } from '@countersign/ports';
import { describeAgentMessages } from '@countersign/ports/suites';
import kafkajs, { type Admin, type Message } from 'kafkajs';
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  it,
  onTestFinished,
} from 'vitest';
import { type KafkaServer, startKafka } from '../../../../deploy/local/kafka.mjs';
import { openKafkaInbox } from './agent-inbox.ts';
import { openKafkaOutbox } from './agent-outbox.ts';
import { clientOf } from './connection.ts';
import { type LogPlace, deleteTopics, makeTopics } from './testing/log-under-test.ts';
import { FIND_COORDINATOR, type Relay, openRelay } from './testing/relay.ts';
import { Wire } from './wire.ts';

const LANES = 2;
const {
  AclOperationTypes,
  AclPermissionTypes,
  AclResourceTypes,
  CompressionCodecs,
  CompressionTypes,
  ResourcePatternTypes,
} = kafkajs;

let server: KafkaServer;
let relay: Relay;
beforeAll(async () => {
  relay = await openRelay(() => server.ports[0] ?? 0);
  server = await startKafka({
    advertisedPort: relay.port,
    settings: {
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      'super.users': 'User:ANONYMOUS',
    },
  });
});
afterAll(async () => {
  await server.stop();
  await relay.close();
});

const connection = (place: LogPlace) => ({ ...place, clientId: 'test' });

async function send(place: LogPlace, messages: Message[], topic = 'intents.inbound', more = {}) {
  const producer = clientOf(connection(place)).producer({ allowAutoTopicCreation: false });
  await producer.connect();
  await producer.send({ topic: place.prefix + topic, messages, ...more });
  await producer.disconnect();
}

async function told(place: LogPlace, lane: number) {
  const topic = `${place.prefix}intents.outcomes`;
  const wire = new Wire(connection(place), [topic]);
  const fetched = await wire.fetchOne({ topic, partition: lane, offset: 0 });
  await wire.reset();
  return fetched.messages.map(({ key, value }) => ({
    key: key?.toString() ?? '',
    text: value?.toString() ?? '',
  }));
}

describeAgentMessages('Kafka', async () => {
  const place = await makeTopics(server.brokers, LANES);
  const inbox = await openKafkaInbox(connection(place));
  return {
    openInbox: () => inbox,
    openOutbox: () => openKafkaOutbox(connection(place)),
    // To one partition, so that messages of several keys are in each other's way as much as they can be.
    send: (messages) =>
      send(
        place,
        messages.map(({ key, text, signature }) => ({
          partition: 0,
          key,
          value: Buffer.from(text),
          ...(signature !== undefined && { headers: { signature } }),
        })),
      ),
    told: (lane) => told(place, lane),
    dispose: () => deleteTopics(place),
  };
});

describe('a reader that asked for its group while nobody could name it', () => {
  it('is given the messages when somebody can', async () => {
    const place = await makeTopics(server.brokers, LANES);
    onTestFinished(() => deleteTopics(place));
    const missed = Promise.withResolvers<void>();
    const onTrouble = (message: string) =>
      message.includes('Crash: KafkaJSGroupCoordinatorNotFound') && missed.resolve();
    const inbox = await openKafkaInbox({ ...connection(place), requestMaxMs: 1_000, onTrouble });
    await send(place, [{ value: 'waits' }]);
    relay.lose(FIND_COORDINATOR);
    const texts = firstTexts(inbox, 1);
    await missed.promise;
    relay.pass();
    expect(await texts).toEqual(['waits']);
  });
});

describe('what somebody writes to harm the reader', () => {
  let place: LogPlace;
  beforeEach(async () => {
    place = await makeTopics(server.brokers, LANES);
  });
  afterEach(() => deleteTopics(place));

  it('does not, packed in a way the reader cannot open', async () => {
    CompressionCodecs[CompressionTypes.ZSTD] = () => ({
      compress: (encoder: { buffer: Buffer }) => Promise.resolve(zstdCompressSync(encoder.buffer)),
      decompress: () => Promise.reject(new Error('the reader has to open it')),
    });
    const packed = { compression: CompressionTypes.ZSTD };
    await send(place, [{ partition: 0, value: 'packed' }], undefined, packed);
    await send(place, [{ partition: 0, value: 'after' }]);
    expect(await firstTexts(await openKafkaInbox(connection(place)), 2)).toEqual([
      'packed',
      'after',
    ]);
  });

  it('does not, without a value, with strange headers, or in a transaction that never ends', async () => {
    const client = clientOf(connection(place));
    const open = client.producer({
      transactionalId: randomUUID(),
      maxInFlightRequests: 1,
      idempotent: true,
    });
    await open.connect();
    const transaction = await open.transaction();
    const topic = `${place.prefix}intents.inbound`;
    await transaction.send({ topic, messages: [{ partition: 0, value: 'never ended' }] });
    const strange = { signature: ['one', 'two'], '': '', x: Buffer.alloc(1_000) };
    await send(place, [
      { partition: 0, value: null },
      { partition: 0, value: 'strange', headers: strange },
    ]);
    const texts = await firstTexts(await openKafkaInbox(connection(place)), 3);
    expect(texts).toEqual(['never ended', '', 'strange']);
    await transaction.abort();
    await open.disconnect();
  });

  it('is refused by the broker where it is too large', async () => {
    const large = send(place, [{ partition: 0, value: Buffer.alloc(200_000, 'x') }]);
    await expect(large).rejects.toThrow(/larger than/);
  });
});

describe('a topic of one agent', () => {
  let place: LogPlace;
  let admin: Admin;
  beforeEach(async () => {
    place = await makeTopics(server.brokers, LANES);
    admin = clientOf(connection(place)).admin();
    await admin.connect();
    const topic = `${place.prefix}intents.inbound.default.research-1`;
    await admin.createTopics({
      topics: [
        { topic, numPartitions: 1, configEntries: [{ name: 'compression.type', value: 'gzip' }] },
      ],
    });
  });
  afterEach(async () => {
    await admin.disconnect();
    await deleteTopics(place);
  });
  const allow = (principal: string, name = `${place.prefix}intents.inbound.default.research-1`) =>
    admin.createAcls({
      acl: [
        {
          resourceType: AclResourceTypes.TOPIC,
          resourceName: name,
          resourcePatternType: name.endsWith('-1')
            ? ResourcePatternTypes.LITERAL
            : ResourcePatternTypes.PREFIXED,
          principal,
          host: '*',
          operation: AclOperationTypes.WRITE,
          permissionType: AclPermissionTypes.ALLOW,
        },
      ],
    });
  const openAll = () => openKafkaInbox({ ...connection(place), topicsOfAgents: true });

  it('stands for its agent where exactly one principal may write', async () => {
    await allow('User:research-1');
    await send(place, [{ value: 'own' }], 'intents.inbound.default.research-1');
    await send(place, [{ value: 'shared' }]);
    const messages = await first(await openAll(), 2);
    const senders = new Map(messages.map((it) => [Buffer.from(it.bytes).toString(), it.sender]));
    expect(senders.get('own')).toEqual({ tenant: 'default', agent: 'research-1' });
    expect(senders.get('shared')).toBeNull();
  });

  it('stands for nobody, and stops the start, where more or fewer may', async () => {
    await expect(openAll()).rejects.toMatchObject({ code: 'topics_unsafe' });
    await allow('User:research-1');
    await allow('User:other', `${place.prefix}intents.`);
    await expect(openAll()).rejects.toMatchObject({ code: 'topics_unsafe' });
  });
});

async function first(inbox: AgentInbox, count: number): Promise<readonly InboundMessage[]> {
  const seen: InboundMessage[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const subscription = inbox.receive((message) => {
    seen.push(message);
    if (seen.length >= count) resolve();
    return Promise.resolve();
  });
  await promise;
  await subscription.close();
  return seen;
}

async function firstTexts(inbox: AgentInbox, count: number): Promise<readonly string[]> {
  return (await first(inbox, count)).map(({ bytes }) => Buffer.from(bytes).toString());
}
