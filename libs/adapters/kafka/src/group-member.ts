import { setTimeout as sleep } from 'node:timers/promises';
import type { ConsumerConfig, ConsumerGroupJoinEvent, ConsumerRunConfig } from 'kafkajs';
import { type KafkaConnection, RETRY, clientOf } from './connection.ts';

export interface GroupMemberOptions {
  readonly connection: KafkaConnection;
  readonly group: Omit<ConsumerConfig, 'retry' | 'allowAutoTopicCreation'>;
  readonly topics: readonly string[];
  /** Where a partition begins of which the group has committed nothing. */
  readonly fromBeginning: boolean;
  readonly run: ConsumerRunConfig;
  /** Told of each assignment: partitions by topic. */
  readonly onJoin?: (assigned: Assigned) => void;
  /** What is missing while it is no member, for those who read of troubles. */
  readonly missing: string;
}

type Assigned = ConsumerGroupJoinEvent['payload']['memberAssignment'];

/** Brokers are not asked more often than this by one that they do not let in. */
const AGAIN_MS = 1_000;

/**
 * A member of a consumer group, until it is closed: whatever ends a membership, another one follows.
 *
 * kafkajs joins again by itself only after errors that it takes for passing. Brokers that restart cause others too: a
 * coordinator that nobody could name, a connection that is not there yet, an error without a name. So it never does
 * here, and each membership is a consumer of its own, which has nothing of the one before.
 */
export class GroupMember {
  readonly #options: GroupMemberOptions;
  readonly #closing = new AbortController();
  readonly #ended: Promise<void>;
  #leave: () => void = () => undefined;

  constructor(options: GroupMemberOptions) {
    this.#options = options;
    this.#ended = this.#stay();
  }

  /** Aborted as soon as it is to be closed. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /** Resolves when it has left the group. Idempotent. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#leave();
    await this.#ended;
  }

  async #stay(): Promise<void> {
    while (!this.closing.aborted) {
      await this.#belong();
      await sleep(AGAIN_MS, undefined, { signal: this.closing }).catch(() => undefined);
    }
  }

  /** One membership, from its beginning to its end; a join that failed is one that ended at once. */
  async #belong(): Promise<void> {
    const { connection, group, topics, fromBeginning, run, onJoin } = this.#options;
    const consumer = clientOf(connection).consumer({
      ...group,
      allowAutoTopicCreation: false,
      retry: { ...RETRY, restartOnFailure: () => Promise.resolve(false) },
    });
    const end = Promise.withResolvers<void>();
    this.#leave = end.resolve;
    // Comes with every end, also of a crash while it joins, of which `run` says nothing. CRASH comes only when
    // disconnecting did not fail, too.
    consumer.on(consumer.events.STOP, () => end.resolve());
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => onJoin?.(payload.memberAssignment));
    try {
      await consumer.connect();
      await consumer.subscribe({ topics: [...topics], fromBeginning });
      await consumer.run(run);
      if (!this.closing.aborted) await end.promise;
    } catch (error) {
      this.#trouble(error);
    }
    await consumer.disconnect().catch((error: unknown) => this.#trouble(error));
  }

  #trouble(error: unknown): void {
    this.#options.connection.onTrouble?.(`${this.#options.missing}: ${String(error)}`);
  }
}
