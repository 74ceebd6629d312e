import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { openKafkaInbox, openKafkaOutbox } from '@countersign/adapter-kafka';
import { type OutcomeMessage, PaymentView } from '@countersign/contracts';
import { Unattributed, messagesDuty } from '@countersign/intake/service';
import type { AgentInbox, Clock } from '@countersign/ports';
import { silentLog, systemClock, systemTimers } from '@countersign/service-kit';
import { quoteOf } from '@countersign/testkit';
import { Kafka, type Producer, logLevel } from 'kafkajs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type KafkaServer, startKafka } from '../../deploy/local/kafka.mjs';
import { fetchPython } from '../../deploy/local/python.mjs';
import {
  type LogPlace,
  deleteTopics,
  makeTopics,
} from '../../libs/adapters/kafka/src/testing/log-under-test.ts';
import { autonomous } from './policies.ts';
import { Speaker, outcomeIn } from './speaker.ts';
import { World, statementKey } from './world.ts';

const OWNER = { tenant: 'default', person: 'owner' };
const EXAMPLE = fileURLToPath(new URL('../../docs/examples/kafka-agent/', import.meta.url));
const run = promisify(execFile);

let server: KafkaServer;
let place: LogPlace;
let world: World;
let inbox: AgentInbox;
let unattributed: Unattributed;
let closing: (() => Promise<unknown>)[];

beforeAll(async () => {
  server = await startKafka();
});
afterAll(() => server.stop());
beforeEach(async () => {
  closing = [];
  world = await World.create();
  await world.usePolicy(autonomous());
  place = await makeTopics(server.brokers, world.log.laneCount);
  inbox = await openKafkaInbox({ ...place, clientId: 'intake' });
});
afterEach(async () => {
  for (const close of closing.reverse()) await close();
  await deleteTopics(place);
  await world.stop();
});

async function startDuty(clock: Clock, from = inbox) {
  unattributed = new Unattributed(clock, silentLog);
  const outbox = await openKafkaOutbox({ ...place, clientId: 'intake' });
  const duty = messagesDuty({
    host: world.services.host,
    key: statementKey('intake'),
    inbox: from,
    outbox,
    unattributed,
    clock,
    timers: systemTimers,
    log: silentLog,
  });
  duty.start();
  const stop = async () => {
    await duty.stop();
    await outbox.close();
  };
  return { stop };
}

/** Reads outcomes from the first on, and lets a test wait for one. */
async function listen() {
  const kafka = new Kafka({ brokers: [...place.brokers], logLevel: logLevel.NOTHING });
  const consumer = kafka.consumer({ groupId: `${place.prefix}listener` });
  const told: OutcomeMessage['data'][] = [];
  let look = () => {};
  await consumer.connect();
  await consumer.subscribe({ topics: [`${place.prefix}intents.outcomes`], fromBeginning: true });
  await consumer.run({
    eachMessage: ({ message }) => {
      told.push(outcomeIn(message.value ?? Buffer.alloc(0)).data);
      look();
      return Promise.resolve();
    },
  });
  closing.push(() => consumer.disconnect());
  const until = async (isSo: (data: OutcomeMessage['data']) => boolean) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    look = () => told.some(isSo) && resolve();
    look();
    await promise;
  };
  return { told, until };
}

async function connected(): Promise<(bytes: Uint8Array, signature?: string) => Promise<unknown>> {
  const kafka = new Kafka({ brokers: [...place.brokers], logLevel: logLevel.NOTHING });
  const producer: Producer = kafka.producer({ allowAutoTopicCreation: false });
  await producer.connect();
  closing.push(() => producer.disconnect());
  return (bytes, signature) =>
    producer.send({
      topic: `${place.prefix}intents.inbound`,
      messages: [
        {
          key: 'default/research-1',
          value: Buffer.from(bytes),
          ...(signature !== undefined && { headers: { signature } }),
        },
      ],
    });
}

const payments = async () =>
  (await world.call<{ payments: PaymentView[] }>('owner', 'GET', '/v1/payments')).body.payments;

describe('agents that speak Kafka', () => {
  let agent: Speaker;
  let send: Awaited<ReturnType<typeof connected>>;
  const now = () => world.time.nowMs;
  beforeEach(async () => {
    agent = new Speaker('research-1');
    await world.services.registry.setMessageKeys(OWNER, 'research-1', agent.keys);
    send = await connected();
  });

  it('pay once however often their message comes, behind messages that nobody sent', async () => {
    const { told, until } = await listen();
    closing.push((await startDuty(world.time.clock)).stop);
    const bytes = agent.intent('m1', now());
    await send(new Uint8Array([0xff]));
    await send(bytes, new Speaker('research-1').sign(bytes));
    await send(bytes, agent.sign(bytes));
    await send(bytes, agent.sign(bytes));
    const last = agent.intent('m2', now(), { quote: { amount: '0.02' } });
    await send(last, agent.sign(last));
    await until(({ messageId }) => messageId === 'm2');
    await until(({ payment }) => payment?.status === 'signed');
    expect(unattributed.newest.map(({ code }) => code)).toEqual(['undecodable', 'not_genuine']);
    expect(told.find(({ messageId }) => messageId === 'm2')?.refused?.code).toBe('invalid_request');
    expect(await payments()).toHaveLength(1);
  });

  it('are answered again after a crash between the answer and the commit, and pay once', async () => {
    const { told, until } = await listen();
    const dying: AgentInbox = {
      read: (at) => inbox.read(at),
      receive: (handle) =>
        inbox.receive(async (message) => {
          await handle(message);
          throw new Error('died before the commit');
        }),
    };
    const first = await startDuty(world.time.clock, dying);
    const bytes = agent.intent('m1', now());
    await send(bytes, agent.sign(bytes));
    await until(({ payment }) => payment?.status === 'signed');
    await first.stop();
    const answers = told.length;
    closing.push((await startDuty(world.time.clock)).stop);
    const after = agent.delivery('d1', now(), (await payments())[0]!.id);
    await send(after, agent.sign(after));
    await until(({ messageId }) => messageId === 'd1');
    expect(told.slice(answers).map(({ messageId }) => messageId)).toContain('m1');
    expect(await payments()).toHaveLength(1);
  });

  it('are told what came while nobody told anything', async () => {
    const { told, until } = await listen();
    const first = await startDuty(world.time.clock);
    const bytes = agent.intent('m1', now());
    await send(bytes, agent.sign(bytes));
    await until(({ payment }) => payment?.status === 'signed');
    await first.stop();
    const { body } = await world.call(
      'research-1',
      'GET',
      `/v1/payments/${(await payments())[0]!.id}`,
    );
    await world.present(body);
    await world.pass(5_000);
    expect(told.map(({ payment }) => payment?.status)).not.toContain('settled');
    closing.push((await startDuty(world.time.clock)).stop);
    await until(({ payment }) => payment?.status === 'settled');
  });
});

describe('the example agents', () => {
  let keys: string;
  let python: string;
  beforeAll(async () => {
    python = await fetchPython(join(EXAMPLE, 'requirements.txt'));
  });
  beforeEach(() => {
    keys = mkdtempSync(join(tmpdir(), 'countersign-agent-'));
  });
  afterEach(() => rmSync(keys, { recursive: true }));

  const example = async (program: string, file: string) => {
    // `env` adds to the environment that is inherited.
    const settings = [
      `KAFKA_BROKERS=${place.brokers.join(',')}`,
      `KAFKA_PREFIX=${place.prefix}`,
      `AGENT_KEYS=${keys}`,
    ];
    const agent = (...parts: string[]) =>
      run('env', [...settings, program, join(EXAMPLE, file), ...parts]);
    await agent('keys');
    const [signing, sealing] = ['signing', 'sealing'].map((name) => publicKeyIn(name));
    await world.services.registry.setMessageKeys(OWNER, 'research-1', {
      signing: signing!,
      sealing: sealing!,
    });
    closing.push((await startDuty(systemClock)).stop);
    const quote = join(keys, 'quote.json');
    const resource = { method: 'GET', url: 'https://api.example.com/v1/embed' };
    writeFileSync(quote, JSON.stringify({ quote: quoteOf(), resource }));
    return (await agent('pay', quote)).stdout;
  };
  /** The last 32 bytes of the key's DER are the key. */
  const publicKeyIn = (name: string) => {
    const pem = readFileSync(join(keys, `${name}.pub.pem`), 'utf8');
    const der = Buffer.from(pem.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64');
    return der.subarray(-32).toString('base64url');
  };
  const settles = async (stdout: string) => {
    const signed = PaymentView.pick({ authorization: true, signature: true }).parse(
      JSON.parse(stdout),
    );
    const [payment] = await payments();
    await world.present({ ...payment!, ...signed });
    await world.pass(5_000);
    expect((await payments()).map(({ status }) => status)).toEqual(['settled']);
  };

  it('pay, in TypeScript', async () => settles(await example(process.execPath, 'agent.ts')));

  it('pay, in Python', async () => settles(await example(python, 'agent.py')));
});
