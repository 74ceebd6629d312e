import type { BlockRef } from '@countersign/ports';
import { recordOf, unavailable } from './rpc.ts';

/** A log as the node gave it, checked and with hex in lower case. */
export interface WireLog {
  readonly address: string;
  readonly topics: readonly string[];
  readonly data: string;
  readonly blockNumber: number;
  readonly blockHash: string;
  readonly transactionHash: string;
  readonly logIndex: number;
}

export interface WireReceipt {
  readonly blockHash: string;
  readonly logs: readonly WireLog[];
}

const QUANTITY = /^0x(?:0|[1-9a-f][0-9a-f]*)$/i;
const BYTES = /^0x(?:[0-9a-f]{2})*$/i;

/** Reads a block; undefined when the node has none. @throws Fault `chain_unavailable` for any other shape. */
export function fromWireBlock(value: unknown): BlockRef | undefined {
  if (value === null) return undefined;
  const { number, hash, timestamp } = recordOf(value);
  return {
    number: toNumber(number),
    hash: toBytes(hash, 32),
    timeMs: toNumber(timestamp) * 1000,
  };
}

/** Reads a list of logs. @throws Fault `chain_unavailable` for any other shape, or a log that a reorg removed. */
export function fromWireLogs(value: unknown): readonly WireLog[] {
  if (!Array.isArray(value)) throw unavailable('the node answered with no list of logs');
  return value.map((item) => {
    const { topics, ...log } = recordOf(item);
    if (log['removed'] === true) throw unavailable('the node answered with a removed log');
    if (!Array.isArray(topics)) throw unavailable('the node answered with a log without topics');
    return {
      address: toBytes(log['address'], 20),
      topics: topics.map((topic) => toBytes(topic, 32)),
      data: toBytes(log['data']),
      blockNumber: toNumber(log['blockNumber']),
      blockHash: toBytes(log['blockHash'], 32),
      transactionHash: toBytes(log['transactionHash'], 32),
      logIndex: toNumber(log['logIndex']),
    };
  });
}

/** Reads a receipt; undefined when the node has none. @throws Fault `chain_unavailable` for any other shape. */
export function fromWireReceipt(value: unknown): WireReceipt | undefined {
  if (value === null) return undefined;
  const { blockHash, logs } = recordOf(value);
  return { blockHash: toBytes(blockHash, 32), logs: fromWireLogs(logs) };
}

/** Reads a quantity that fits a safe integer. */
export function toNumber(value: unknown): number {
  if (typeof value !== 'string' || !QUANTITY.test(value))
    throw unavailable('the node answered with no number');
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw unavailable('the node answered with too large a number');
  return number;
}

/** Reads bytes, of a given length if there is one, in lower case. */
export function toBytes(value: unknown, length?: number): string {
  if (typeof value !== 'string' || !BYTES.test(value))
    throw unavailable('the node answered with no bytes');
  if (length !== undefined && value.length !== 2 + 2 * length)
    throw unavailable(`the node answered with other than ${length} bytes`);
  return value.toLowerCase();
}
