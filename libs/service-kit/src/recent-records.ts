import type { RefusalCode } from '@countersign/contracts';
import type { EventLog, LaneId, LogRecord } from '@countersign/ports';
import { positionText } from './read-backs.ts';
import type { NamedAt } from './state-cache.ts';

/** Together a few megabytes; what is asked for again is asked for within seconds. */
const RECORDS_MAX = 4_096;
const BYTES_MAX = 8_388_608;

/** A record, and why it was ignored; null when it was applied. */
export interface NamingRecord extends LogRecord {
  readonly ignored: RefusalCode | null;
}

/**
 * The newest records as the log delivered them, so that a payment's own need not be fetched from it again. None with
 * openings: these may be erased from the log, and then must be nowhere.
 */
export class RecentRecords {
  readonly #log: Pick<EventLog, 'read'>;
  readonly #records = new Map<string, LogRecord>();
  #bytes = 0;

  constructor(log: Pick<EventLog, 'read'>) {
    this.#log = log;
  }

  take(record: LogRecord): void {
    const key = positionText({ position: record });
    if (record.openings || this.#records.has(key)) return;
    this.#records.set(key, record);
    this.#bytes += record.bytes.length;
    for (const [oldest, { bytes }] of this.#records) {
      if (this.#records.size <= RECORDS_MAX && this.#bytes <= BYTES_MAX) return;
      this.#records.delete(oldest);
      this.#bytes -= bytes.length;
    }
  }

  /** The records at these places of a lane, in their order; from the log where they are not recent. */
  async at(lane: LaneId, places: readonly NamedAt[]): Promise<readonly NamingRecord[]> {
    const found = await Promise.all(
      places.map(async ({ offset, code: ignored }) => {
        const recent = this.#records.get(positionText({ position: { lane, offset } }));
        const record = recent ?? (await this.#log.read(lane, offset, 1))[0];
        return record && { ...record, ignored };
      }),
    );
    return found.filter((it) => it !== undefined);
  }
}
