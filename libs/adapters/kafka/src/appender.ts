import type { Fault } from '@countersign/kernel';
import type { AppendInput, LaneId, Position } from '@countersign/ports';
import { Partitioners, type Producer, type RecordMetadata } from 'kafkajs';
import {
  type KafkaConnection,
  RETRY,
  clientOf,
  requestMaxMsOf,
  unavailable,
} from './connection.ts';
import { type Message, offsetOf, sizeOf, toMessage } from './messages.ts';
import type { Place, Places } from './places.ts';

/** Of all lanes together in one request; well under the topics' `max.message.bytes`, which bounds each lane's part. */
const REQUEST_BYTES_MAX = 4_194_304;
const REQUEST_RECORDS_MAX = 5_000;

/** One call of append; its records may go out in several requests. */
interface Call {
  readonly positions: Position[];
  missing: number;
  failed: boolean;
  readonly resolve: (positions: readonly Position[]) => void;
  readonly reject: (fault: Fault) => void;
}

interface Queued extends Place {
  readonly call: Call;
  readonly index: number;
  readonly lane: LaneId;
  readonly message: Message;
}

/**
 * Sends what was appended in one turn of the event loop, and what came while the last request was under way, as one
 * request: one at a time, so that order is the order of the calls.
 *
 * The producer is idempotent, so that a request which kafkajs repeats is not appended twice. After a request whose
 * outcome is unknown it is thrown away: kafkajs would give the next records the sequence numbers of those lost, and a
 * broker that has them answers "yes, at their offset" without appending anything.
 */
export class Appender {
  readonly #connection: KafkaConnection;
  readonly #places: Places;
  #queue: Queued[] = [];
  #producer: Promise<Producer> | undefined;
  #sending: Promise<void> | undefined;

  constructor(connection: KafkaConnection, places: Places) {
    this.#connection = connection;
    this.#places = places;
  }

  /** Refusals come before anything is queued. */
  append(records: readonly AppendInput[]): Promise<readonly Position[]> {
    const prepared = records.map((record) => {
      const place = this.#places.of(record.lane);
      return { ...place, lane: record.lane, message: toMessage(record, place.partition) };
    });
    if (prepared.length === 0) return Promise.resolve([]);
    const { promise, resolve, reject } = Promise.withResolvers<readonly Position[]>();
    const call: Call = { positions: [], missing: records.length, failed: false, resolve, reject };
    for (const [index, one] of prepared.entries()) this.#queue.push({ ...one, call, index });
    this.#sending ??= this.#send();
    return promise;
  }

  /** Resolves when nothing is being written any more. */
  async close(): Promise<void> {
    await this.#sending;
    const producer = this.#producer;
    this.#producer = undefined;
    await producer?.then((it) => it.disconnect()).catch(() => undefined);
  }

  async #send(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#queue.length > 0) {
      const batch = this.#next();
      try {
        settle(batch, await this.#produce(batch));
      } catch (error) {
        this.#discardProducer();
        const fault = unavailable('the append got no answer', error);
        for (const { call } of batch) fail(call, fault);
        this.#queue = this.#queue.filter(({ call }) => !call.failed);
      }
    }
    this.#sending = undefined;
  }

  #next(): readonly Queued[] {
    let bytes = 0;
    let count = 0;
    for (const { message } of this.#queue) {
      bytes += sizeOf(message);
      if (count > 0 && (bytes > REQUEST_BYTES_MAX || count === REQUEST_RECORDS_MAX)) break;
      count += 1;
    }
    return this.#queue.splice(0, count);
  }

  async #produce(batch: readonly Queued[]): Promise<readonly RecordMetadata[]> {
    this.#producer ??= this.#connect();
    const producer = await this.#producer;
    const topics = [...new Set(batch.map(({ topic }) => topic))];
    return producer.sendBatch({
      acks: -1,
      timeout: requestMaxMsOf(this.#connection),
      topicMessages: topics.map((topic) => ({
        topic,
        messages: batch.filter((it) => it.topic === topic).map(({ message }) => message),
      })),
    });
  }

  async #connect(): Promise<Producer> {
    const producer = clientOf(this.#connection).producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      createPartitioner: Partitioners.DefaultPartitioner,
      retry: RETRY,
    });
    await producer.connect();
    return producer;
  }

  #discardProducer(): void {
    const producer = this.#producer;
    this.#producer = undefined;
    void producer?.then((it) => it.disconnect()).catch(() => undefined);
  }
}

/** Every partition's records stand together, from its base offset on. */
function settle(batch: readonly Queued[], answers: readonly RecordMetadata[]): void {
  const offsets = new Map(
    answers.map((it) => [keyOf(it.topicName, it.partition), offsetOf(it.baseOffset ?? '-1')]),
  );
  // kafkajs may forget a partition that moved between two attempts, and still call it a success.
  const unanswered = batch.find((it) => (offsets.get(keyOf(it.topic, it.partition)) ?? -1) < 0);
  if (unanswered) throw new Error(`no answer for ${unanswered.topic}:${unanswered.partition}`);
  for (const { call, index, lane, topic, partition } of batch) {
    const key = keyOf(topic, partition);
    const offset = offsets.get(key) ?? 0;
    offsets.set(key, offset + 1);
    call.positions[index] = { lane, offset };
    call.missing -= 1;
    if (call.missing === 0) call.resolve(call.positions);
  }
}

function fail(call: Call, fault: Fault): void {
  call.failed = true;
  call.reject(fault);
}

function keyOf(topic: string, partition: number): string {
  return `${topic}:${partition}`;
}
