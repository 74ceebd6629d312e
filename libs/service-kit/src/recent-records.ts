import type { LaneId, LogRecord } from '@countersign/ports';

/** Together a few megabytes; what is asked for again is asked for within seconds. */
const RECORDS_MAX = 4_096;
const BYTES_MAX = 8_388_608;

/**
 * The newest records as the log delivered them, so that a payment's own need not be fetched from it again. None with
 * openings: these may be erased from the log, and then must be nowhere.
 */
export class RecentRecords {
  readonly #records = new Map<string, LogRecord>();
  #bytes = 0;

  take(record: LogRecord): void {
    const key = keyOf(record.lane, record.offset);
    if (record.openings || this.#records.has(key)) return;
    this.#records.set(key, record);
    this.#bytes += record.bytes.length;
    for (const [oldest, { bytes }] of this.#records) {
      if (this.#records.size <= RECORDS_MAX && this.#bytes <= BYTES_MAX) return;
      this.#records.delete(oldest);
      this.#bytes -= bytes.length;
    }
  }

  at(lane: LaneId, offset: number): LogRecord | undefined {
    return this.#records.get(keyOf(lane, offset));
  }
}

function keyOf(lane: LaneId, offset: number): string {
  return `${lane}:${offset}`;
}
