import { setTimeout as sleep } from 'node:timers/promises';
import { Kafka, Partitioners, type Producer, logLevel } from 'kafkajs';
import { rate, secondsOf } from '../bench.ts';

export const RECORD_BYTES = 1_000;
export const AT_ONCE = 512;
const POKE_MS = 300;
const bytes = Buffer.alloc(RECORD_BYTES, 'x');

/** A stock kafkajs producer, as safe as ours: all replicas acknowledge, and no record twice. */
export async function bareKafka(brokers: readonly string[]) {
  const client = new Kafka({
    ...{ brokers: [...brokers], clientId: 'bare', logLevel: logLevel.NOTHING },
  });
  const producer = client.producer({
    ...{ idempotent: true, maxInFlightRequests: 1 },
    createPartitioner: Partitioners.DefaultPartitioner,
  });
  await producer.connect();
  return { client, producer };
}

/** Sends so many records of {@link RECORD_BYTES}, as one request. */
export function bareSend(producer: Producer, topic: string, partitions: number) {
  return (count: number) =>
    producer.send({
      ...{ topic, acks: -1 },
      messages: Array.from({ length: count }, (_, index) => ({
        partition: index % partitions,
        value: bytes,
      })),
    });
}

/** A stock consumer in place, and one function that waits until it was given some more. */
export async function bareConsumer(
  client: Kafka,
  topic: string,
  send: (count: number) => Promise<unknown>,
) {
  const consumer = client.consumer({ groupId: `${topic}-bench`, maxWaitTimeInMs: 250 });
  let seen = 0;
  let wake: () => void = () => undefined;
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: false });
  const joined = new Promise((resolve) => consumer.on('consumer.group_join', resolve));
  const eachBatch = async ({ batch }: { batch: { messages: readonly unknown[] } }) => {
    seen += batch.messages.length;
    wake();
  };
  await consumer.run({ autoCommit: false, eachBatch });
  await joined;
  // Until one message has come through, the consumer may not have found its place.
  let isIn = false;
  wake = () => (isIn = true);
  while (!isIn) {
    await send(1);
    await sleep(POKE_MS);
  }
  return {
    /** Sends so many, and waits for them. */
    async through(count: number): Promise<void> {
      const start = seen;
      const { promise: all, resolve } = Promise.withResolvers<void>();
      wake = () => {
        if (seen - start >= count) resolve();
      };
      for (let left = count; left > 0; left -= AT_ONCE) await send(Math.min(left, AT_ONCE));
      await all;
    },
    close: () => consumer.disconnect(),
  };
}

/** Records a second that go through a topic of their own, from producer to consumer. */
export async function bareThrough(brokers: readonly string[], count: number): Promise<number> {
  const topic = 'bench.bare';
  const { client, producer } = await bareKafka(brokers);
  const admin = client.admin();
  try {
    await admin.connect();
    await admin.createTopics({ topics: [{ topic, numPartitions: 8 }], waitForLeaders: true });
    const consumer = await bareConsumer(client, topic, bareSend(producer, topic, 8));
    const seconds = await secondsOf(() => consumer.through(count));
    await consumer.close();
    return rate(count, seconds);
  } finally {
    await admin.disconnect();
    await producer.disconnect();
  }
}
