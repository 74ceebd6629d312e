import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { TopicsFile, applyTopics, openKafkaLog } from '@countersign/adapter-kafka';
import type { EventLog } from '@countersign/ports';
import { LaneHost } from '@countersign/service-kit';
import { PaidLog } from '@countersign/testkit';
import { parse } from 'yaml';
import { startKafka } from '../../../deploy/local/kafka.mjs';
import { type Bench, quantile, rate, secondsOf, thousands, times } from '../bench.ts';
import { AT_ONCE, RECORD_BYTES, bareConsumer, bareKafka, bareSend } from './bare-kafka.ts';
import { RECORDER, recording } from './recording.ts';

const LANES = 8;
const SINGLES = { quick: 100, full: 1_000 };
const MANY = { quick: 5_000, full: 50_000 };
const PAYMENTS = { quick: 200, full: 5_000 };
const CHUNK = 200;
/** Records of one reading, as a start has them. */
const READING = 1_024;
const bytes = Buffer.alloc(RECORD_BYTES, 'x');

interface Broker {
  readonly brokers: readonly string[];
  readonly prefix: string;
}

async function openLog({ brokers, prefix }: Broker): Promise<EventLog> {
  const url = new URL('../../../deploy/kafka/topics.yaml', import.meta.url);
  const file = TopicsFile.parse(parse(readFileSync(url, 'utf8')));
  await applyTopics({
    ...{ brokers: [...brokers], clientId: 'bench', file, laneCount: LANES, prefix, replication: 1 },
  });
  return openKafkaLog({ brokers: [...brokers], clientId: 'bench', laneCount: LANES, prefix });
}

async function latencies(count: number, task: () => Promise<unknown>): Promise<number[]> {
  const took: number[] = [];
  while (took.length < count) took.push((await secondsOf(task)) * 1_000);
  return took;
}

const said = (took: readonly number[]) =>
  `p50 ${quantile(took, 0.5).toFixed(2)} ms, p99 ${quantile(took, 0.99).toFixed(2)} ms`;

const logSend = (log: EventLog) => (count: number) =>
  Promise.all(
    Array.from({ length: count }, (_, index) =>
      log.append([{ lane: String(index % LANES), key: 'acme/a', bytes }]),
    ),
  );

async function rateOf(count: number, send: (count: number) => Promise<unknown>): Promise<number> {
  const seconds = await secondsOf(async () => {
    for (let left = count; left > 0; left -= AT_ONCE) await send(AT_ONCE);
  });
  return rate(count, seconds);
}

/** From appending until a subscriber has it, one record at a time. */
async function readBacks(log: EventLog, count: number): Promise<number[]> {
  let wake: () => void = () => undefined;
  const { promise: failed, reject } = Promise.withResolvers<never>();
  const from = new Map([['0', await log.end('0')]]);
  const subscription = log.subscribe(from, () => wake(), reject);
  const took = await latencies(count, async () => {
    const seen = new Promise<void>((resolve) => (wake = resolve));
    await log.append([{ lane: '0', key: 'acme/a', bytes }]);
    await Promise.race([seen, failed]);
  });
  await subscription.close();
  return took;
}

/**
 * Records a second that a service folds when it starts with nothing kept, how many of them Kafka alone gives, and how
 * many the recorder then puts into the event store.
 */
async function folding(broker: Broker, payments: number) {
  const log = await openLog(broker);
  const paid = new PaidLog(LANES, 64);
  await log.append(await paid.founding());
  for (let from = 0; from < payments; from += CHUNK) {
    const made = Array.from({ length: CHUNK }, (_, at) =>
      paid.payment(from + at, Date.now(), 'settled'),
    );
    await log.append((await Promise.all(made)).flat());
  }
  const reading = await secondsOf(() => readAll(log));
  const fail = (error: unknown) => {
    throw error;
  };
  const { keyId, publicKey } = RECORDER;
  const trusted = new Map(paid.trusted).set(keyId, { service: 'recorder', publicKey });
  const host = new LaneHost(log, trusted, fail, { threads: true });
  const seconds = await secondsOf(() => host.start());
  const records = payments * 7;
  const recorded = await recording(host, trusted, records);
  await host.close();
  await log.close();
  return { folded: rate(records, seconds), read: rate(records, reading), recorded };
}

/** What a start reads, lane by lane, in parts as large as its own. */
async function readAll(log: EventLog): Promise<void> {
  for (let lane = 0; lane < LANES; lane += 1) {
    const end = await log.end(String(lane));
    for (let at = 0; at < end; at += READING) {
      const some = await log.read(String(lane), at, Math.min(READING, end - at));
      if (some.length === 0) throw new Error(`lane ${lane} holds nothing at ${at}`);
    }
  }
}

export const bench: Bench = {
  title: 'The log on Kafka beside bare kafkajs',
  about:
    'One broker on the same cores, records of 1,000 bytes, all replicas acknowledge. Bare kafkajs sends whole batches; the log is given single records, 512 at once, and reads each back. Folding verifies every signed record, five of seven, in threads.',
  async run(tell, size) {
    const server = await startKafka();
    const prefix = `bench${randomUUID().slice(0, 6)}.`;
    const { brokers } = server;
    const log = await openLog({ brokers, prefix });
    const { client, producer } = await bareKafka(brokers);
    try {
      const topic = `${prefix}lanes`;
      const bare = bareSend(producer, topic, LANES);
      const ours = logSend(log);
      await bare(100);
      await ours(100);
      tell('one at a time');
      const bareOne = await latencies(SINGLES[size], () => bare(1));
      const oursOne = await latencies(SINGLES[size], () => ours(1));
      tell('many at once');
      const bareMany = await rateOf(MANY[size], bare);
      const oursMany = await rateOf(MANY[size], ours);
      tell('read back');
      const oursBack = await readBacks(log, SINGLES[size]);
      const consumer = await bareConsumer(client, topic, bare);
      const bareBack = await latencies(SINGLES[size], () => consumer.through(1));
      const through = await secondsOf(() => consumer.through(MANY[size]));
      await consumer.close();
      tell('folding');
      const { folded, read, recorded } = await folding(
        { brokers, prefix: `${prefix}fold.` },
        PAYMENTS[size],
      );
      const ratio = (one: number[], other: number[]) =>
        times(quantile(one, 0.5) / quantile(other, 0.5));
      return [
        {
          what: 'one append at a time',
          figure: said(oursOne),
          beside: `bare ${said(bareOne)}: ${ratio(oursOne, bareOne)}`,
        },
        {
          what: `appends, ${AT_ONCE} at once`,
          figure: `${thousands(oursMany)} /s`,
          beside: `bare ${thousands(bareMany)} /s: ${times(oursMany / bareMany)}`,
        },
        {
          what: 'append to read-back by a subscriber',
          figure: said(oursBack),
          beside: `bare ${said(bareBack)}: ${ratio(oursBack, bareBack)}`,
        },
        {
          what: 'bare kafkajs, produce to consume',
          figure: `${thousands(rate(MANY[size], through))} /s`,
        },
        {
          what: `a start on ${thousands(PAYMENTS[size] * 7)} records, nothing kept`,
          figure: `${thousands(folded)} records/s`,
          beside: `reading them alone ${thousands(read)} /s: ${times(folded / read)}`,
          aim: '>= 100,000 /s',
        },
        {
          what: 'the same records, by the recorder into the event store',
          figure: `${thousands(recorded.perSecond)} records/s, ${recorded.cpuMicros.toFixed(0)} us of processor time each`,
          aim: '>= 80,000 /s',
        },
      ];
    } finally {
      await log.close();
      await producer.disconnect();
      await server.stop();
    }
  },
};
