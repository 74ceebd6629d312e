import { Fault, InvariantViolation, invariant } from '@countersign/kernel';
import type { AppendInput, LaneId, LogRecord } from '@countersign/ports';
import type { FetchedMessage } from 'kafkajs/src/cluster/index.js';

const RECORD_BYTES_MAX = 1_048_576;
/** Name of the header beside a record's bytes. */
const OPENINGS = 'openings';
/** What a record takes beyond its parts, generously: lengths, offsets, names of headers. */
const OVERHEAD_BYTES = 128;

export interface Message {
  readonly partition: number;
  readonly key: Buffer;
  readonly value: Buffer;
  readonly headers: Record<string, Buffer>;
}

/**
 * @throws Fault `record_too_large`.
 * @throws InvariantViolation for text that Kafka would not give back as it is.
 */
export function toMessage(record: AppendInput, partition: number): Message {
  const { key, bytes, openings } = record;
  const size = Math.max(bytes.length, openings?.length ?? 0);
  if (size > RECORD_BYTES_MAX)
    throw new Fault('record_too_large', `${size} bytes; at most ${RECORD_BYTES_MAX}`, {
      retryable: false,
    });
  invariant(key.isWellFormed(), 'a key that cannot be kept exactly');
  return {
    partition,
    key: Buffer.from(key),
    value: bufferOf(bytes),
    headers: openings ? { [OPENINGS]: bufferOf(openings) } : {},
  };
}

export function sizeOf({ key, value, headers }: Message): number {
  const headed = Object.values(headers).reduce((sum, header) => sum + header.length, 0);
  return OVERHEAD_BYTES + key.length + value.length + headed;
}

export function toRecord(lane: LaneId, message: FetchedMessage): LogRecord {
  const openings = headerOf(message, OPENINGS);
  return {
    lane,
    offset: offsetOf(message.offset),
    stampMs: offsetOf(message.timestamp),
    key: message.key?.toString() ?? '',
    bytes: message.value ?? new Uint8Array(0),
    ...(openings && { openings }),
  };
}

/** Kafka counts in 64 bits; a log that long could not be folded either. */
export function offsetOf(text: string): number {
  const offset = Number(text);
  if (!Number.isSafeInteger(offset)) throw new InvariantViolation(`not an offset: ${text}`);
  return offset;
}

/** Anybody's record may repeat a header; the first one counts. */
function headerOf({ headers }: FetchedMessage, name: string): Buffer | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
