import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { Fault, invariant } from '@countersign/kernel';
import {
  ARCHIVE,
  type AppendInput,
  CONTROL,
  type LaneId,
  type LogRecord,
  type Position,
} from '@countersign/ports';
import { type Row, bytesOf, bytesOrNullOf, numberOf, textOf } from './columns.ts';

const RECORD_BYTES_MAX = 1_048_576;

/**
 * The lanes in one table. Synchronous, and unaware of transactions: every write happens inside one that the caller
 * opened. All refusals come before the first write, so that a refused call leaves nothing.
 */
export class LogTable {
  readonly #lanes: readonly LaneId[];
  /** Cache of what the table holds; the next offset of every lane. */
  readonly #ends = new Map<LaneId, number>();
  readonly #insert: StatementSync;
  readonly #select: StatementSync;
  readonly #last: StatementSync;
  readonly #erase: StatementSync;

  constructor(database: DatabaseSync, laneCount: number) {
    this.#lanes = [
      CONTROL,
      ARCHIVE,
      ...Array.from({ length: laneCount }, (_, lane) => String(lane)),
    ];
    this.#insert = database.prepare(
      'INSERT INTO records (lane, lane_offset, stamp_ms, key, bytes, openings) VALUES (?, ?, ?, ?, ?, ?)',
    );
    this.#select = database.prepare(
      'SELECT * FROM records WHERE lane = ? AND lane_offset >= ? ORDER BY lane_offset LIMIT ?',
    );
    this.#last = database.prepare('SELECT max(lane_offset) AS last FROM records WHERE lane = ?');
    this.#erase = database.prepare(
      'UPDATE records SET openings = NULL WHERE lane = ? AND lane_offset = ? AND openings IS NOT NULL',
    );
    this.forget();
  }

  /** Drops what is cached; for after a rollback. */
  forget(): void {
    for (const lane of this.#lanes) {
      const row = this.#last.get(lane);
      this.#ends.set(lane, row?.['last'] === null ? 0 : numberOf(row, 'last') + 1);
    }
  }

  append(records: readonly AppendInput[], stampMs: number): readonly Position[] {
    for (const record of records) this.#check(record);
    return records.map((record) => {
      const { lane, key, bytes, openings } = record;
      const offset = this.end(lane);
      this.#insert.run(lane, offset, stampMs, key, bytes, openings ?? null);
      this.#ends.set(lane, offset + 1);
      return { lane, offset };
    });
  }

  /** At most `max` records, and no further ones once they hold `maxBytes`; at least one if there is one. */
  read(lane: LaneId, offset: number, max: number, maxBytes = Infinity): readonly LogRecord[] {
    this.#checkPlace(lane, offset);
    invariant(Number.isSafeInteger(max) && max >= 0, `not a number of records: ${max}`);
    const records: LogRecord[] = [];
    let size = 0;
    for (const row of this.#select.iterate(lane, offset, max)) {
      const record = toLogRecord(row);
      if (record.offset !== offset + records.length)
        throw new Error(`lane ${lane} has a gap before offset ${record.offset}`);
      records.push(record);
      size += record.bytes.length + (record.openings?.length ?? 0);
      if (size >= maxBytes) break;
    }
    return records;
  }

  end(lane: LaneId): number {
    const end = this.#ends.get(lane);
    invariant(end !== undefined, `no such lane: ${lane}`);
    return end;
  }

  eraseOpenings({ lane, offset }: Position): void {
    this.#checkPlace(lane, offset);
    invariant(offset < this.end(lane), `no record at ${lane}:${offset}`);
    this.#erase.run(lane, offset);
  }

  #check({ lane, key, bytes, openings }: AppendInput): void {
    this.end(lane);
    invariant(isStorable(key), 'a key that cannot be kept exactly');
    const size = Math.max(bytes.length, openings?.length ?? 0);
    if (size > RECORD_BYTES_MAX)
      throw new Fault('record_too_large', `${size} bytes; at most ${RECORD_BYTES_MAX}`, {
        retryable: false,
      });
  }

  #checkPlace(lane: LaneId, offset: number): void {
    this.end(lane);
    invariant(Number.isSafeInteger(offset) && offset >= 0, `not an offset: ${offset}`);
  }
}

/** Whether SQLite gives this text back as it is: a lone surrogate would be replaced. */
function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0');
}

function toLogRecord(row: Row): LogRecord {
  const openings = bytesOrNullOf(row, 'openings');
  return {
    lane: textOf(row, 'lane'),
    offset: numberOf(row, 'lane_offset'),
    stampMs: numberOf(row, 'stamp_ms'),
    key: textOf(row, 'key'),
    bytes: bytesOf(row, 'bytes'),
    ...(openings === null ? {} : { openings }),
  };
}
