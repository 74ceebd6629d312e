import type { DutyShares } from '@countersign/ports';
import type { Consumer } from 'kafkajs';
import { type KafkaConnection, RETRY, clientOf } from './connection.ts';

export interface KafkaDutyOptions extends KafkaConnection {
  /** Whose debts: `policy`, `approval`, … */
  readonly service: string;
  /** Put before the topic's and the group's name. */
  readonly prefix?: string;
}

/** A replica that is silent for so long has its lanes given to others. */
const SESSION_MS = 3_000;
const HEARTBEAT_MS = 500;
const REBALANCE_MS = 10_000;

/**
 * Joins the consumer group on `duty.<service>`, an empty topic of as many partitions as there are lanes: who is
 * assigned a partition pays the debts of that lane. It resolves at once; lanes come when the group has divided them,
 * and while no broker answers the replica keeps what it had.
 */
export function joinKafkaDuty(options: KafkaDutyOptions): DutyShares {
  return new KafkaDuty(options);
}

class KafkaDuty implements DutyShares {
  readonly #listeners = new Set<() => void>();
  readonly #consumer: Consumer;
  readonly #joined: Promise<void>;
  readonly #topic: string;
  readonly #onTrouble: (message: string) => void;
  #lanes: ReadonlySet<number> = new Set();
  #closing: Promise<void> | undefined;

  constructor(options: KafkaDutyOptions) {
    this.#topic = `${options.prefix ?? ''}duty.${options.service}`;
    this.#onTrouble = (message) => options.onTrouble?.(message);
    this.#consumer = clientOf(options).consumer({
      groupId: this.#topic,
      sessionTimeout: SESSION_MS,
      rebalanceTimeout: REBALANCE_MS,
      heartbeatInterval: HEARTBEAT_MS,
      // Heartbeats go out between fetches, and a fetch of nothing takes all of this.
      maxWaitTimeInMs: HEARTBEAT_MS,
      allowAutoTopicCreation: false,
      retry: { ...RETRY, restartOnFailure: () => Promise.resolve(this.#closing === undefined) },
    });
    this.#consumer.on(this.#consumer.events.GROUP_JOIN, ({ payload }) =>
      this.#assign(payload.memberAssignment[this.#topic] ?? []),
    );
    this.#joined = this.#join();
  }

  holds(lane: number): boolean {
    return this.#lanes.has(lane);
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): Promise<void> {
    this.#closing ??= this.#leave();
    return this.#closing;
  }

  async #leave(): Promise<void> {
    this.#lanes = new Set();
    await this.#joined;
    await this.#consumer.disconnect();
  }

  /** Until brokers answer; nobody waits for it, as duty is only a hint. */
  async #join(): Promise<void> {
    while (this.#closing === undefined) {
      try {
        await this.#consumer.connect();
        await this.#consumer.subscribe({ topics: [this.#topic], fromBeginning: false });
        // Nothing is ever written there; the assignment is all that counts.
        await this.#consumer.run({ autoCommit: false, eachBatch: () => Promise.resolve() });
        return;
      } catch (error) {
        this.#onTrouble(`no duty yet: ${String(error)}`);
      }
    }
  }

  #assign(lanes: readonly number[]): void {
    if (this.#closing !== undefined) return;
    this.#lanes = new Set(lanes);
    for (const listener of this.#listeners) listener();
  }
}
