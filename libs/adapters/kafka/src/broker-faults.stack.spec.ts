import type { LogRecord, Position } from '@countersign/ports';
import kafkajs, { Partitioners } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type KafkaServer, startKafka } from '../../../../deploy/local/kafka.mjs';
import { freePorts } from '../../../../deploy/local/server.mjs';
import { clientOf } from './connection.ts';
import type { KafkaLog } from './kafka-log.ts';
import {
  type LogPlace,
  deleteTopics,
  makeTopics,
  makeTopicsAt,
  openAt,
} from './testing/log-under-test.ts';
import { type Relay, openRelay } from './testing/relay.ts';
import { Wire } from './wire.ts';

const REQUEST_MAX_MS = 1_000;
const utf8 = new TextEncoder();
const textOf = ({ bytes }: LogRecord) => new TextDecoder().decode(bytes);
const record = (text: string) => ({ lane: '0', key: 'acme/a', bytes: utf8.encode(text) });

let server: KafkaServer;
let relay: Relay;
beforeAll(async () => {
  relay = await openRelay(() => server.ports[0] ?? 0);
  const settings = { 'log.cleaner.backoff.ms': '100' };
  server = await startKafka({ advertisedPort: relay.port, settings });
});
afterAll(async () => {
  await server.stop();
  await relay.close();
});

async function freshLog(): Promise<{ log: KafkaLog; place: LogPlace }> {
  const place = await makeTopics(server.brokers, 1);
  const log = await openAt(place, { requestMaxMs: REQUEST_MAX_MS });
  onTestFinished(() => log.close());
  return { log, place };
}

/** What a subscription of lane 0 delivers, and how it ends. */
function follow(log: KafkaLog, from = 0) {
  const seen: LogRecord[] = [];
  const end = Promise.withResolvers<unknown>();
  let wake = () => {};
  log.subscribe(
    new Map([['0', from]]),
    (records) => {
      seen.push(...records);
      wake();
    },
    end.resolve,
  );
  const once = async (holds: () => boolean) => {
    while (!holds()) await new Promise<void>((resolve) => (wake = resolve));
  };
  const until = (text: string) => once(() => seen.some((it) => textOf(it) === text));
  const untilCount = (count: number) => once(() => seen.length >= count);
  return { seen, until, untilCount, end: end.promise };
}

/** Appends until it is in: what a debt does that is still owed. */
async function insist(log: KafkaLog, text: string): Promise<Position> {
  for (;;) {
    try {
      const [position] = await log.append([record(text)]);
      if (position) return position;
    } catch (error) {
      expect(error).toMatchObject({ code: 'log_unavailable', retryable: true });
    }
  }
}

describe('a broker that is killed', () => {
  it('loses nothing it acknowledged, and its readers go on where they were', async () => {
    const { log } = await freshLog();
    const reader = follow(log);
    const positions = new Map<string, Position>();
    let stopped = false;
    const writing = (async () => {
      for (let count = 0; !stopped; count += 1)
        positions.set(String(count), await insist(log, String(count)));
    })();
    await reader.until('20');
    await server.restart();
    const last = await insist(log, 'after');
    stopped = true;
    await writing;
    await insist(log, 'end');
    await reader.until('end');
    expect(reader.seen.map(({ offset }) => offset)).toEqual(reader.seen.map((_, index) => index));
    for (const [text, { offset }] of [...positions, ['after', last] as const])
      expect(textOf(reader.seen[offset]!)).toBe(text);
    expect(await log.read('0', 0, 100_000)).toEqual(reader.seen);
  });
});

describe('a broker that stands still', () => {
  it('leaves an append unknown, and never takes the next one for it', async () => {
    const { log } = await freshLog();
    const reader = follow(log);
    await insist(log, 'before');
    await reader.until('before');
    await server.pause();
    await expect(log.append([record('unknown')])).rejects.toMatchObject({
      code: 'log_unavailable',
      retryable: true,
    });
    server.resume();
    const { offset } = await insist(log, 'after');
    await reader.until('after');
    expect(textOf(reader.seen[offset]!)).toBe('after');
    expect(reader.seen.filter((it) => textOf(it) === 'unknown').length).toBeLessThanOrEqual(1);
  });
});

describe('an acknowledgement that is lost', () => {
  it('never lets the next records be taken for those that are there', async () => {
    const { log } = await freshLog();
    await insist(log, 'first');
    relay.swallow();
    await expect(log.append([record('unknown')])).rejects.toMatchObject({
      code: 'log_unavailable',
    });
    relay.pass();
    const { offset } = await insist(log, 'next');
    const kept = (await log.read('0', 0, 100)).map(textOf);
    expect(kept[offset]).toBe('next');
    expect(kept.filter((text) => text === 'unknown')).toEqual(['unknown']);
  });

  it('and repeated within the call is appended once', async () => {
    const { log, place } = await freshLog();
    await insist(log, 'first');
    const topic = `${place.prefix}lanes`;
    relay.cutNext((answer) => answer.includes(topic) && answer.length < 100);
    expect(await log.append([record('once')])).toEqual([{ lane: '0', offset: 1 }]);
    await insist(log, 'next');
    expect((await log.read('0', 0, 100)).map(textOf)).toEqual(['first', 'once', 'next']);
  });
});

describe('a log that is not the one that was read', () => {
  const truncated = { code: 'log_truncated', retryable: false };

  it('stops readers whose records were deleted', async () => {
    const { log, place } = await freshLog();
    await log.append(['a', 'b', 'c'].map(record));
    await deleteBefore(place, 2);
    expect(await follow(log).end).toMatchObject(truncated);
    await expect(log.read('0', 0, 9)).rejects.toMatchObject(truncated);
    const trimmed = follow(log, 2);
    await trimmed.until('c');
    expect(trimmed.seen.map(textOf)).toEqual(['c']);
  });

  it.for([
    { holds: ['x'], code: 'log_changed' },
    { holds: [], code: 'log_shorter' },
  ])('stops readers of topics made anew, $code', async ({ holds, code }) => {
    const { log, place } = await freshLog();
    await log.append([record('a')]);
    const reader = follow(log);
    await reader.until('a');
    await deleteTopics(place);
    await makeTopicsAt(place);
    for (const text of holds) await insist(log, text);
    expect(await reader.end).toMatchObject({ code, retryable: false });
    expect(reader.seen.map(textOf)).toEqual(['a']);
  });
});

describe('a gap in the offsets', () => {
  const gap = { code: 'log_gap', retryable: false };

  it('ends readers before it, and is found wherever in a reading it is', async () => {
    const { log, place } = await freshLog();
    await compact(place);
    const keys = ['first', 'twice', 'third', 'twice'];
    for (const key of keys) await log.append([{ ...record(key), key }]);
    const rest = ['0', '2', '3'];
    // A segment is compacted once another has begun, and one begins with an append.
    for (let tail = 0; String((await offsetsOf(place)).slice(0, 3)) !== String(rest); tail += 1)
      await log.append([{ ...record('tail'), key: `tail-${tail}` }]);
    const reader = follow(log);
    expect(await reader.end).toMatchObject(gap);
    expect(reader.seen.filter(({ offset }) => offset > 0)).toEqual([]);
    for (const [from, count] of [
      [0, 3],
      [0, 2],
      [1, 1],
      [1, 9],
    ] as const)
      await expect(log.read('0', from, count)).rejects.toMatchObject(gap);
    expect((await log.read('0', 0, 1)).map(textOf)).toEqual(['first']);
    expect((await log.read('0', 2, 2)).map(textOf)).toEqual(['third', 'twice']);
    const beyond = follow(log, 2);
    await beyond.until('tail');
    expect(beyond.seen.slice(0, 2).map(textOf)).toEqual(['third', 'twice']);
  });

  it('is not made by a transaction, whose marker stands there as a record', async () => {
    const { log, place } = await freshLog();
    const client = clientOf({ brokers: place.brokers, clientId: 'test' });
    const producer = client.producer({
      ...{ transactionalId: place.prefix, idempotent: true, maxInFlightRequests: 1 },
      createPartitioner: Partitioners.DefaultPartitioner,
    });
    await producer.connect();
    const transaction = await producer.transaction();
    const messages = [{ partition: 0, key: 'acme/a', value: 'theirs' }];
    await transaction.send({ topic: `${place.prefix}lanes`, messages });
    await transaction.commit();
    await producer.disconnect();
    await insist(log, 'ours');
    // The broker writes the marker when it has answered: before ours or after.
    const reader = follow(log);
    await reader.untilCount(3);
    expect(reader.seen.map((it) => it.offset)).toEqual([0, 1, 2]);
    expect(await log.read('0', 0, 9)).toEqual(reader.seen);
  });
});

describe('brokers that are not there', () => {
  it('are named in a fault that may pass, and waited for as long as is wanted', async () => {
    const ports = await freePorts(2);
    const place = { brokers: [`127.0.0.1:${ports[0]}`], laneCount: 1, prefix: 'late.' };
    await expect(openAt(place)).rejects.toMatchObject({
      code: 'log_unavailable',
      retryable: true,
      message: expect.stringContaining(place.brokers[0]!),
    });
    const opening = openAt(place, { patienceMs: 60_000 });
    const late = await startKafka({ ports });
    onTestFinished(() => late.stop());
    await expect(opening).rejects.toMatchObject({ code: 'topics_missing', retryable: false });
  });
});

async function deleteBefore({ brokers, prefix }: LogPlace, offset: number): Promise<void> {
  const admin = clientOf({ brokers, clientId: 'test' }).admin();
  await admin.connect();
  // The admin knows a topic's leaders only once it has asked for something of it.
  await admin.fetchTopicOffsets(`${prefix}lanes`);
  const partitions = [{ partition: 0, offset: String(offset) }];
  await admin.deleteTopicRecords({ topic: `${prefix}lanes`, partitions });
  await admin.disconnect();
}

/** Lets the broker drop records whose key comes again. */
async function compact({ brokers, prefix }: LogPlace): Promise<void> {
  const admin = clientOf({ brokers, clientId: 'test' }).admin();
  await admin.connect();
  const configEntries = [
    { name: 'cleanup.policy', value: 'compact' },
    { name: 'min.cleanable.dirty.ratio', value: '0' },
    { name: 'segment.ms', value: '1' },
  ];
  const type = kafkajs.ConfigResourceTypes.TOPIC;
  const resources = [{ type, name: `${prefix}lanes`, configEntries }];
  await admin.alterConfigs({ validateOnly: false, resources });
  await admin.disconnect();
}

/** As the broker has them. */
async function offsetsOf({ brokers, prefix }: LogPlace): Promise<readonly string[]> {
  const topic = `${prefix}lanes`;
  const wire = new Wire({ brokers, clientId: 'test' }, [topic]);
  const { messages } = await wire.fetchOne({ topic, partition: 0, offset: 0 });
  await wire.reset();
  return messages.map(({ offset }) => offset);
}
