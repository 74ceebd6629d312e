import { setTimeout as sleep } from 'node:timers/promises';
import { Fault, InvariantViolation, invariant } from '@countersign/kernel';
import type {
  AppendInput,
  EventLog,
  LaneId,
  LogCapabilities,
  LogRecord,
  Position,
  Subscription,
} from '@countersign/ports';
import kafkajs from 'kafkajs';
import { Appender } from './appender.ts';
import { type KafkaConnection, unavailable } from './connection.ts';
import { Follower } from './follower.ts';
import { toRecord } from './messages.ts';
import { Places } from './places.ts';
import { type LogFacts, checkTopics } from './topics-check.ts';
import { Wire } from './wire.ts';

/** Node finds only some of the names that this CommonJS module exports. */
const { KafkaJSOffsetOutOfRange } = kafkajs;

export interface KafkaLogOptions extends KafkaConnection {
  /** Must be what the topics were made with. */
  readonly laneCount: number;
  /** Put before every topic's name; for several logs on the same brokers. */
  readonly prefix?: string;
  /** How long to wait for brokers that do not answer yet; 0 tries once. */
  readonly patienceMs?: number;
  /** See {@link Follow}; none when left out. */
  readonly gatherMs?: number;
}

const OPEN_RETRY_MS = 1_000;
const READ_ATTEMPTS = 5;
const READ_RETRY_MS = 200;

/**
 * Opens the log whose topics `countersign setup` made.
 *
 * @throws Fault `log_unavailable` (retryable) when no broker answers within the patience.
 * @throws Fault `topics_missing`, `topics_unsafe` or `lane_count_changed`, naming topic and setting.
 */
export async function openKafkaLog(options: KafkaLogOptions): Promise<KafkaLog> {
  const places = new Places(options.laneCount, options.prefix ?? '');
  const lastMs = performance.now() + (options.patienceMs ?? 0);
  for (;;) {
    try {
      return new KafkaLog(options, places, await checkTopics(options, places));
    } catch (error) {
      const fault = unavailable(`no answer from ${options.brokers.join(', ')}`, error);
      if (!fault.retryable || performance.now() >= lastMs) throw fault;
      options.onTrouble?.(`${fault.message}; trying again`);
      await sleep(OPEN_RETRY_MS);
    }
  }
}

/**
 * Lanes as partitions. A fault of the brokers passes: nothing is lost by it, and the next call may succeed. An append
 * that failed may stand in the log nevertheless, and whoever repeats it repeats its record, which the fold ignores.
 */
export class KafkaLog implements EventLog {
  readonly capabilities: LogCapabilities;
  readonly logId: string;
  readonly laneCount: number;
  readonly #options: KafkaLogOptions;
  readonly #places: Places;
  readonly #appender: Appender;
  readonly #wire: Wire;
  readonly #followers = new Set<Follower>();
  #closing: Promise<void> | undefined;

  /** Use {@link openKafkaLog}, which checks that the topics are what they must be. */
  constructor(options: KafkaLogOptions, places: Places, facts: LogFacts) {
    this.capabilities = { durable: facts.durable };
    this.logId = facts.logId;
    this.laneCount = options.laneCount;
    this.#options = options;
    this.#places = places;
    this.#appender = new Appender(options, places);
    this.#wire = new Wire(options, Object.values(places.topics));
  }

  async append(records: readonly AppendInput[]): Promise<readonly Position[]> {
    this.#checkOpen();
    return this.#appender.append(records);
  }

  async read(lane: LaneId, offset: number, max: number): Promise<readonly LogRecord[]> {
    this.#places.of(lane);
    invariant(Number.isSafeInteger(offset) && offset >= 0, `not an offset: ${offset}`);
    invariant(Number.isSafeInteger(max) && max >= 0, `not a number of records: ${max}`);
    return this.#attempted(async () => {
      const records: LogRecord[] = [];
      for (let end = Infinity; records.length < max && offset + records.length < end;) {
        const next = offset + records.length;
        const wanted = max - records.length;
        const fetched = await this.#fetch(lane, next, wanted);
        end = fetched.end;
        // Also what stands behind a gap at the end of what is wanted tells of it.
        for (const record of fetched.records.slice(0, wanted)) {
          if (record.offset !== offset + records.length)
            throw new Fault('log_gap', `lane ${lane} has a gap before offset ${record.offset}`, {
              retryable: false,
            });
          records.push(record);
        }
        if (fetched.records.length === 0 && next < end)
          throw new Error(`lane ${lane} holds no record ${next}`);
      }
      return records;
    });
  }

  async end(lane: LaneId): Promise<number> {
    const [end] = await this.ends([lane]);
    invariant(end !== undefined, `no end of ${lane}`);
    return end;
  }

  async ends(lanes: readonly LaneId[]): Promise<readonly number[]> {
    const places = lanes.map((lane) => this.#places.of(lane));
    return this.#attempted(() => this.#wire.ends(places));
  }

  subscribe(
    from: ReadonlyMap<LaneId, number>,
    onRecords: (records: readonly LogRecord[]) => void,
    onFault: (error: unknown) => void,
  ): Subscription {
    this.#checkOpen();
    const follower = new Follower(this.#options, this.#places, {
      ...{ from, onRecords, onFault },
      gatherMs: this.#options.gatherMs ?? 0,
    });
    this.#followers.add(follower);
    return follower;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#appender.close();
    await Promise.all([...this.#followers].map((follower) => follower.closed()));
    await this.#wire.reset();
  }

  /**
   * What one request brings of a lane, which may be more than is wanted, and where the lane ends.
   *
   * @throws Fault `log_truncated`.
   */
  async #fetch(
    lane: LaneId,
    offset: number,
    max: number,
  ): Promise<{ readonly records: readonly LogRecord[]; readonly end: number }> {
    const place = this.#places.of(lane);
    try {
      const { messages, end } = await this.#wire.fetchOne({ ...place, offset }, max);
      const records = messages.map((message) => toRecord(lane, message));
      // A batch may begin before the offset that was asked for.
      return { records: records.filter((it) => it.offset >= offset), end };
    } catch (error) {
      if (!(error instanceof KafkaJSOffsetOutOfRange)) throw error;
      const [{ start, end } = { start: 0, end: 0 }] = await this.#wire.bounds([place]);
      if (offset < start)
        throw new Fault('log_truncated', `lane ${lane} begins at ${start}, after ${offset}`, {
          retryable: false,
        });
      if (offset < end) throw error;
      return { records: [], end };
    }
  }

  /** Reading is repeatable, so that a lost connection or a moved leader is nobody's business. */
  async #attempted<T>(task: () => Promise<T>): Promise<T> {
    for (let left = READ_ATTEMPTS; ; left -= 1) {
      this.#checkOpen();
      try {
        return await task();
      } catch (error) {
        if (error instanceof InvariantViolation) throw error;
        const fault = unavailable('the log could not be read', error);
        if (!fault.retryable || left === 1) throw fault;
        await this.#wire.reset();
        await sleep(READ_RETRY_MS);
      }
    }
  }

  #checkOpen(): void {
    if (this.#closing)
      throw new Fault('log_unavailable', 'the log is closed', { retryable: false });
  }
}
