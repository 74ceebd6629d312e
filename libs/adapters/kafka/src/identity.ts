import { randomUUID } from 'node:crypto';
import { Fault } from '@countersign/kernel';
import { Partitioners } from 'kafkajs';
import { type KafkaConnection, clientOf } from './connection.ts';
import type { Places } from './places.ts';
import { Wire } from './wire.ts';

/** Who a log is, written once when its topics are made. Topics that were deleted and made again are another log. */
export interface Identity {
  readonly logId: string;
  readonly laneCount: number;
}

/** The first identity that was ever written; later ones, of set-ups that raced, count for nothing. */
export async function readIdentity(
  connection: KafkaConnection,
  places: Places,
): Promise<Identity | undefined> {
  const wire = new Wire(connection, [places.identity]);
  try {
    const fetched = await wire.fetchOne({ topic: places.identity, partition: 0, offset: 0 });
    const value = fetched.messages[0]?.value;
    return value ? parsed(value.toString()) : undefined;
  } finally {
    await wire.reset();
  }
}

/** Writes a new identity, unless there is one. */
export async function writeIdentity(connection: KafkaConnection, places: Places): Promise<void> {
  if (await readIdentity(connection, places)) return;
  const producer = clientOf(connection).producer({
    createPartitioner: Partitioners.DefaultPartitioner,
    allowAutoTopicCreation: false,
  });
  await producer.connect();
  try {
    const identity: Identity = { logId: randomUUID(), laneCount: places.laneCount };
    const message = { partition: 0, key: 'identity', value: JSON.stringify(identity) };
    await producer.send({ topic: places.identity, acks: -1, messages: [message] });
  } finally {
    await producer.disconnect();
  }
}

function parsed(text: string): Identity {
  const { logId, laneCount } = JSON.parse(text) as Partial<Identity>;
  if (typeof logId === 'string' && typeof laneCount === 'number') return { logId, laneCount };
  throw new Fault('topics_unsafe', 'the identity topic holds something else first', {
    retryable: false,
  });
}
