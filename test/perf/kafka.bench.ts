/**
 * What the log on Kafka costs beside bare kafkajs, in one run against one broker of this machine:
 *
 *     node --import tsx test/perf/kafka.bench.ts
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { TopicsFile, applyTopics, openKafkaLog } from '@countersign/adapter-kafka';
import type { EventLog } from '@countersign/ports';
import { Kafka, Partitioners, logLevel } from 'kafkajs';
import { parse } from 'yaml';
import { startKafka } from '../../deploy/local/kafka.mjs';

const RECORD_BYTES = 1_000;
const SINGLES = 1_000;
const MANY = 50_000;
const AT_ONCE = 512;
const LANES = 8;
const bytes = Buffer.alloc(RECORD_BYTES, 'x');

const server = await startKafka();
const brokers = [...server.brokers];
const prefix = `bench${randomUUID().slice(0, 6)}.`;
const file = TopicsFile.parse(
  parse(readFileSync(new URL('../../deploy/kafka/topics.yaml', import.meta.url), 'utf8')),
);
await applyTopics({ brokers, clientId: 'bench', file, laneCount: LANES, prefix, replication: 1 });
const log = await openKafkaLog({ brokers, clientId: 'bench', laneCount: LANES, prefix });
const client = new Kafka({ brokers, clientId: 'bare', logLevel: logLevel.NOTHING });
const producer = client.producer({
  idempotent: true,
  maxInFlightRequests: 1,
  createPartitioner: Partitioners.DefaultPartitioner,
});
await producer.connect();
const topic = `${prefix}lanes`;

const bare = (count: number) =>
  producer.send({
    topic,
    acks: -1,
    messages: Array.from({ length: count }, (_, index) => ({
      partition: index % LANES,
      value: bytes,
    })),
  });
const ours = (count: number) =>
  Promise.all(
    Array.from({ length: count }, (_, index) =>
      log.append([{ lane: String(index % LANES), key: 'acme/a', bytes }]),
    ),
  );

await bare(100);
await ours(100);
report('one at a time, bare kafkajs', await latencies(() => bare(1)));
report('one at a time, log.append', await latencies(() => ours(1)));
console.log(`${AT_ONCE} at a time, bare kafkajs: ${await rate(bare)}/s`);
console.log(`${AT_ONCE} appends at a time, log.append: ${await rate(ours)}/s`);
report('append to read-back by a subscriber, log', await readBacks(log));
report('produce to delivery, bare kafkajs consumer', await bareReadBacks());
await log.close();
await producer.disconnect();
await server.stop();

async function latencies(task: () => Promise<unknown>): Promise<number[]> {
  const took: number[] = [];
  for (let left = SINGLES; left > 0; left -= 1) {
    const startMs = performance.now();
    await task();
    took.push(performance.now() - startMs);
  }
  return took;
}

async function rate(task: (count: number) => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  for (let left = MANY; left > 0; left -= AT_ONCE) await task(AT_ONCE);
  return Math.round((MANY / (performance.now() - startMs)) * 1_000);
}

async function readBacks(subject: EventLog): Promise<number[]> {
  let wake: (offset: number) => void = () => {};
  const subscription = subject.subscribe(
    new Map([['0', await subject.end('0')]]),
    (records) => records.forEach(({ offset }) => wake(offset)),
    (error) => console.error(error),
  );
  const took = await latencies(async () => {
    const seen = new Promise<number>((resolve) => (wake = resolve));
    await subject.append([{ lane: '0', key: 'acme/a', bytes }]);
    await seen;
  });
  await subscription.close();
  return took;
}

async function bareReadBacks(): Promise<number[]> {
  const consumer = client.consumer({ groupId: prefix, maxWaitTimeInMs: 250 });
  let wake = () => {};
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: false });
  const joined = new Promise((resolve) => consumer.on('consumer.group_join', resolve));
  await consumer.run({ autoCommit: false, eachMessage: () => Promise.resolve(wake()) });
  await joined;
  // Until one message has come through, the consumer may not have found its place.
  const first = new Promise<void>((resolve) => (wake = resolve));
  const poke = setInterval(() => void bare(1), 200);
  await first;
  clearInterval(poke);
  const took = await latencies(async () => {
    const seen = new Promise<void>((resolve) => (wake = resolve));
    await bare(1);
    await seen;
  });
  await consumer.disconnect();
  return took;
}

function report(name: string, took: number[]): void {
  const sorted = took.toSorted((a, b) => a - b);
  const at = (share: number) => (sorted[Math.floor(sorted.length * share)] ?? 0).toFixed(2);
  console.log(`${name}: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`);
}
