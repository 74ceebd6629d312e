import type { DutyShares } from '@countersign/ports';
import type { KafkaConnection } from './connection.ts';
import { GroupMember } from './group-member.ts';

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
 * Who joins is in the consumer group on `duty.<service>`, an empty topic of as many partitions as there are lanes: who is
 * assigned a partition pays the debts of that lane. Lanes come when the group has divided them, and while no broker
 * answers the replica keeps what it had.
 */
export function kafkaDuty(options: KafkaDutyOptions): DutyShares {
  return new KafkaDuty(options);
}

class KafkaDuty implements DutyShares {
  readonly #listeners = new Set<() => void>();
  readonly #options: KafkaDutyOptions;
  #member: GroupMember | undefined;
  #lanes: ReadonlySet<number> = new Set();
  #isClosed = false;

  constructor(options: KafkaDutyOptions) {
    this.#options = options;
  }

  holds(lane: number): boolean {
    return this.#lanes.has(lane);
  }

  join(): void {
    if (this.#isClosed) return;
    this.#member ??= this.#newMember();
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#lanes = new Set();
    await this.#member?.close();
  }

  #newMember(): GroupMember {
    const { service, prefix = '' } = this.#options;
    const topic = `${prefix}duty.${service}`;
    return new GroupMember({
      connection: this.#options,
      group: {
        groupId: topic,
        sessionTimeout: SESSION_MS,
        rebalanceTimeout: REBALANCE_MS,
        heartbeatInterval: HEARTBEAT_MS,
        // Heartbeats go out between fetches, and a fetch of nothing takes all of this.
        maxWaitTimeInMs: HEARTBEAT_MS,
      },
      topics: [topic],
      fromBeginning: false,
      // Nothing is ever written there; the assignment is all that counts.
      run: { autoCommit: false, eachBatch: () => Promise.resolve() },
      onJoin: (assigned) => this.#assign(assigned[topic] ?? []),
      missing: 'no duty yet',
    });
  }

  #assign(lanes: readonly number[]): void {
    if (this.#isClosed) return;
    this.#lanes = new Set(lanes);
    for (const listener of this.#listeners) listener();
  }
}
