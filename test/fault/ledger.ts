import { openKafkaLog } from '@countersign/adapter-kafka';
import { type EventName, type EventOf, decodeEvent } from '@countersign/contracts';
import { ARCHIVE, CONTROL, type EventLog, type LogRecord } from '@countersign/ports';
import { LANES } from './fleet.ts';

const PAGE = 500;
export const NAMES = [
  CONTROL,
  ARCHIVE,
  ...Array.from({ length: LANES }, (_, lane) => String(lane)),
];

type Listener = (event: EventOf<EventName>, record: LogRecord) => void;

/** The log as it was delivered to somebody who only reads: what was seen once has to stand there for ever. */
export class Ledger {
  readonly seen: ReadonlyMap<string, LogRecord[]>;
  /** What ended the reading, if anything did: a gap, or a record that changed. */
  broken: unknown;
  /** When the last record came, monotonic. */
  lastAtMs = performance.now();
  readonly #log: EventLog;
  readonly #listeners = new Set<Listener>();

  private constructor(log: EventLog) {
    this.#log = log;
    this.seen = new Map(NAMES.map((name) => [name, []]));
    log.subscribe(
      new Map(NAMES.map((name) => [name, 0])),
      (records) => records.forEach((record) => this.#take(record)),
      (error) => (this.broken = error),
    );
  }

  static async open(broker: string): Promise<Ledger> {
    const connection = { brokers: [broker], clientId: 'fault-ledger', laneCount: LANES };
    return new Ledger(await openKafkaLog({ ...connection, patienceMs: 60_000 }));
  }

  get logId(): string {
    return this.#log.logId;
  }

  get count(): number {
    return [...this.seen.values()].reduce((sum, records) => sum + records.length, 0);
  }

  onEvent(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The whole log, read anew. */
  async readAll(): Promise<ReadonlyMap<string, readonly LogRecord[]>> {
    const all = new Map<string, readonly LogRecord[]>();
    for (const name of NAMES) {
      const records: LogRecord[] = [];
      for (;;) {
        const page = await this.#log.read(name, records.length, PAGE);
        if (page.length === 0) break;
        records.push(...page);
      }
      all.set(name, records);
    }
    return all;
  }

  close(): Promise<void> {
    return this.#log.close();
  }

  #take(record: LogRecord): void {
    this.lastAtMs = performance.now();
    this.seen.get(record.lane)?.push(record);
    if (this.#listeners.size === 0) return;
    const event = decodeEvent(record.bytes);
    if ('undecodable' in event) return;
    for (const listener of this.#listeners) listener(event, record);
  }
}
