import { OUTCOMES_TOPIC } from '@countersign/contracts';
import { Fault } from '@countersign/kernel';
import type { AgentOutbox, OutcomeInput } from '@countersign/ports';
import { Partitioners, type Producer } from 'kafkajs';
import { type KafkaConnection, clientOf } from './connection.ts';
import { offsetOf } from './messages.ts';
import { Wire } from './wire.ts';

export interface KafkaOutboxOptions extends KafkaConnection {
  /** The topic has a partition for each lane. */
  readonly laneCount: number;
  readonly prefix?: string;
}

/** Header that says how far the lane is told. */
const THROUGH = 'through';
const PAGE = 500;

/**
 * Tells agents on `intents.outcomes`, lane by lane. Nothing but the topic itself says how far it was told.
 *
 * @throws Fault `outcomes_unavailable`; `topics_missing` when the topic does not have a partition for each lane.
 */
export async function openKafkaOutbox(options: KafkaOutboxOptions): Promise<AgentOutbox> {
  const topic = (options.prefix ?? '') + OUTCOMES_TOPIC;
  const outbox = new KafkaOutbox(options, topic);
  await outbox.open(options.laneCount);
  return outbox;
}

class KafkaOutbox implements AgentOutbox {
  readonly #topic: string;
  readonly #options: KafkaOutboxOptions;
  readonly #producer: Producer;
  readonly #wire: Wire;

  constructor(options: KafkaOutboxOptions, topic: string) {
    this.#topic = topic;
    this.#options = options;
    this.#wire = new Wire(options, [topic]);
    this.#producer = clientOf(options).producer({
      createPartitioner: Partitioners.DefaultPartitioner,
      allowAutoTopicCreation: false,
    });
  }

  async open(laneCount: number): Promise<void> {
    const admin = clientOf(this.#options).admin();
    try {
      await admin.connect();
      const there = (await admin.listTopics()).includes(this.#topic);
      const { topics } = there
        ? await admin.fetchTopicMetadata({ topics: [this.#topic] })
        : { topics: [] };
      const count = topics[0]?.partitions.length ?? 0;
      if (count !== laneCount)
        throw new Fault(
          'topics_missing',
          `${this.#topic} has ${count} partitions, not ${laneCount}`,
          {
            retryable: false,
          },
        );
      await this.#producer.connect();
    } catch (error) {
      throw outOfReach(error);
    } finally {
      await admin.disconnect();
    }
  }

  async publish(outcomes: readonly OutcomeInput[]): Promise<void> {
    const messages = outcomes.map(({ lane, key, bytes, through }) => ({
      partition: lane,
      key,
      value: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
      headers: through === undefined ? {} : { [THROUGH]: String(through) },
    }));
    try {
      await this.#producer.send({ topic: this.#topic, acks: -1, messages });
    } catch (error) {
      throw outOfReach(error);
    }
  }

  /** From the end backwards, as most outcomes are answers, which say nothing of how far the lane is told. */
  async through(lane: number): Promise<number> {
    const place = { topic: this.#topic, partition: lane };
    try {
      const [bounds] = await this.#wire.bounds([place]);
      const { start, end } = bounds ?? { start: 0, end: 0 };
      for (let before = end; before > start; before -= PAGE) {
        const found = await this.#lastIn(lane, Math.max(start, before - PAGE), before);
        if (found !== undefined) return found;
      }
      return -1;
    } catch (error) {
      await this.#wire.reset();
      throw outOfReach(error);
    }
  }

  async close(): Promise<void> {
    await this.#wire.reset();
    await this.#producer.disconnect();
  }

  async #lastIn(partition: number, from: number, before: number): Promise<number | undefined> {
    let last: number | undefined;
    for (let offset = from; offset < before;) {
      const fetched = await this.#wire.fetchOne({ topic: this.#topic, partition, offset });
      const messages = fetched.messages.filter((it) => offsetOf(it.offset) >= offset);
      const newest = messages.at(-1);
      if (!newest) return last;
      for (const { offset: at, headers } of messages) {
        const through = headers[THROUGH]?.toString();
        if (through !== undefined && offsetOf(at) < before) last = offsetOf(through);
      }
      offset = offsetOf(newest.offset) + 1;
    }
    return last;
  }
}

function outOfReach(cause: unknown): Fault {
  if (cause instanceof Fault) return cause;
  const detail = cause instanceof Error ? cause.message : String(cause);
  return new Fault('outcomes_unavailable', detail, { retryable: true, cause });
}
