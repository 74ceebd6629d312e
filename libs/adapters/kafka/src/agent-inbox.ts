import { setTimeout as sleep } from 'node:timers/promises';
import type { AgentInbox, InboundMessage, Subscription } from '@countersign/ports';
import { INBOUND_TOPIC, SIGNATURE_HEADER } from '@countersign/contracts';
import type { EachBatchPayload, KafkaMessage } from 'kafkajs';
import { checkInbound, topicsOfAgents } from './agent-topics.ts';
import { type KafkaConnection, clientOf, unavailable } from './connection.ts';
import { GroupMember } from './group-member.ts';
import { offsetOf } from './messages.ts';
import { Wire } from './wire.ts';

export interface KafkaInboxOptions extends KafkaConnection {
  /** Put before the topics' and the group's names. */
  readonly prefix?: string;
  /**
   * Also reads `intents.inbound.<tenant>.<agent>`, each of which stands for its agent. The broker must say that exactly
   * one principal may write there.
   */
  readonly topicsOfAgents?: boolean;
}

const SESSION_MS = 10_000;
const HEARTBEAT_MS = 1_000;
/** Bounds a batch, and so what waits for its slowest message and what comes again after a crash. */
const BATCH_BYTES = 262_144;
const AT_ONCE_MAX = 32;
const AGAIN_MIN_MS = 20;
const AGAIN_MAX_MS = 2_000;

/**
 * Reads what agents write, as a consumer group: it may hand over a message twice, which is harmless here.
 *
 * Transactions of the writers are not waited for, as one that is never ended would keep everybody else's messages: what
 * stands there is meant, also in a transaction that was aborted.
 *
 * @throws Fault `topics_missing`, `topics_unsafe`; `log_unavailable` when nobody answers.
 */
export async function openKafkaInbox(options: KafkaInboxOptions): Promise<AgentInbox> {
  const { prefix = '' } = options;
  const shared = prefix + INBOUND_TOPIC;
  const senders = new Map<string, InboundMessage['sender']>([[shared, null]]);
  const admin = clientOf(options).admin();
  try {
    await admin.connect();
    if (options.topicsOfAgents)
      for (const [topic, sender] of await topicsOfAgents(admin, shared)) senders.set(topic, sender);
    await checkInbound(admin, [...senders.keys()]);
  } catch (error) {
    throw unavailable('agent messages', error);
  } finally {
    await admin.disconnect();
  }
  return {
    receive: (handle) => new Receiver(options, senders, handle),
    read: (place) => readAt(options, senders, place),
  };
}

/** A place that names no topic of ours is none, so that nothing else can be read this way. */
async function readAt(
  options: KafkaInboxOptions,
  senders: ReadonlyMap<string, InboundMessage['sender']>,
  place: string,
): Promise<InboundMessage | null> {
  const [, topic = '', partitionText, offsetText] =
    /^([^:]+):(\d{1,9}):(\d{1,16})$/.exec(place) ?? [];
  if (!senders.has(topic)) return null;
  const [partition, offset] = [Number(partitionText), Number(offsetText)];
  const admin = clientOf(options).admin();
  const wire = new Wire(options, [topic]);
  try {
    await admin.connect();
    const there = (await admin.fetchTopicOffsets(topic)).find((it) => it.partition === partition);
    if (!there || offset < offsetOf(there.low) || offset >= offsetOf(there.high)) return null;
    const fetched = await wire.fetchOne({ topic, partition, offset });
    const message = fetched.messages.find((it) => it.offset === String(offset));
    return message ? inboundOf(topic, partition, message, senders) : null;
  } catch (error) {
    throw unavailable('agent messages', error);
  } finally {
    await Promise.all([wire.reset(), admin.disconnect()]);
  }
}

type Standing = Pick<KafkaMessage, 'offset' | 'value' | 'headers'>;

function inboundOf(
  topic: string,
  partition: number,
  message: Standing,
  senders: ReadonlyMap<string, InboundMessage['sender']>,
): InboundMessage {
  return {
    place: `${topic}:${partition}:${message.offset}`,
    sender: senders.get(topic) ?? null,
    bytes: message.value ?? new Uint8Array(0),
    signature: signatureOf(message),
  };
}

type Handle = (message: InboundMessage) => Promise<void>;

class Receiver implements Subscription {
  readonly #senders: ReadonlyMap<string, InboundMessage['sender']>;
  readonly #handle: Handle;
  readonly #member: GroupMember;
  readonly #onTrouble: (message: string) => void;

  constructor(
    options: KafkaInboxOptions,
    senders: ReadonlyMap<string, InboundMessage['sender']>,
    handle: Handle,
  ) {
    this.#senders = senders;
    this.#handle = handle;
    this.#onTrouble = (message) => options.onTrouble?.(message);
    this.#member = new GroupMember({
      connection: options,
      group: {
        groupId: (options.prefix ?? '') + INBOUND_TOPIC,
        sessionTimeout: SESSION_MS,
        heartbeatInterval: HEARTBEAT_MS,
        maxWaitTimeInMs: HEARTBEAT_MS / 4,
        maxBytesPerPartition: BATCH_BYTES,
        readUncommitted: true,
      },
      topics: [...senders.keys()],
      fromBeginning: true,
      run: {
        autoCommit: false,
        eachBatchAutoResolve: false,
        partitionsConsumedConcurrently: AT_ONCE_MAX,
        eachBatch: (payload) => this.#take(payload),
      },
      missing: 'no messages of agents yet',
    });
  }

  close(): Promise<void> {
    return this.#member.close();
  }

  /** What was handled up to the first message that was not is committed; the rest comes again. */
  async #take(payload: EachBatchPayload): Promise<void> {
    const { batch } = payload;
    const beating = setInterval(() => {
      payload
        .heartbeat()
        .catch((error: unknown) => this.#onTrouble(`no heartbeat: ${String(error)}`));
    }, HEARTBEAT_MS);
    const handled = new Set<string>();
    try {
      const waiting = byKey(batch.messages).values();
      const workers = Array.from({ length: AT_ONCE_MAX }, async () => {
        for (const messages of waiting)
          for (const message of messages) {
            if (!(await this.#handled(payload, message))) return;
            handled.add(message.offset);
          }
      });
      await Promise.all(workers);
    } finally {
      clearInterval(beating);
    }
    for (const { offset } of batch.messages) {
      if (!handled.has(offset)) break;
      payload.resolveOffset(offset);
    }
    await payload.commitOffsetsIfNecessary(payload.uncommittedOffsets());
  }

  #goesOn(payload: EachBatchPayload): boolean {
    return payload.isRunning() && !payload.isStale() && !this.#member.closing.aborted;
  }

  /** Tries until it is; false when it shall be somebody else's, or ours another time. */
  async #handled(payload: EachBatchPayload, message: KafkaMessage): Promise<boolean> {
    const { topic, partition } = payload.batch;
    const inbound = inboundOf(topic, partition, message, this.#senders);
    for (let failures = 0; this.#goesOn(payload); failures += 1) {
      try {
        await this.#handle(inbound);
        return true;
      } catch (error) {
        this.#onTrouble(`${inbound.place} comes again: ${String(error)}`);
        const waitMs = Math.min(AGAIN_MAX_MS, AGAIN_MIN_MS * 2 ** Math.min(failures, 10));
        await sleep(waitMs, undefined, { signal: this.#member.closing }).catch(() => undefined);
      }
    }
    return false;
  }
}

/** Messages without a key have no order among them. */
function byKey(messages: readonly KafkaMessage[]): ReadonlyMap<string, readonly KafkaMessage[]> {
  return Map.groupBy(messages, ({ key, offset }) =>
    key === null ? `offset ${offset}` : `key ${key.toString('hex')}`,
  );
}

function signatureOf({ headers }: Standing): string | null {
  const value = headers?.[SIGNATURE_HEADER];
  const first = Array.isArray(value) ? value[0] : value;
  return first?.toString() ?? null;
}
