import { isUtf8 } from 'node:buffer';
import { crc32 } from 'node:zlib';
import type {
  ArchiveBatch,
  ArchivedRecord,
  Cut,
  LogRecord,
  RecordColumns,
} from '@countersign/ports';
import { asUnits, rowOf } from './found.ts';
import {
  type Column,
  bigUint256,
  bigUint64,
  bytes,
  dateTime64,
  lowCardinality,
  lowCardinalityList,
  string,
  stringList,
  uint32,
  uint64,
} from './native.ts';
import { shownAs } from './words.ts';

/** A row of `records`. */
export interface RecordRow {
  readonly leaf: number;
  readonly record: LogRecord;
  readonly columns: RecordColumns;
  readonly stored: Stored;
}

/** A record's bytes as the table has them: those that are no UTF-8 go as base64, and say so, as answers are JSON. */
interface Stored {
  readonly bytes: Uint8Array;
  readonly encoding: '' | 'base64';
}

export const RECORD_COLUMNS: readonly Column<RecordRow>[] = [
  lowCardinality('tenant', (it) => it.columns.tenant),
  uint64('leaf', (it) => it.leaf),
  lowCardinality('lane', (it) => it.record.lane),
  uint64('lane_offset', (it) => it.record.offset),
  dateTime64('at', (it) => it.record.stampMs),
  lowCardinality('record_key', (it) => it.record.key),
  lowCardinality('event', (it) => it.columns.event),
  lowCardinality('ignored', (it) => it.columns.ignored),
  lowCardinality('agent', (it) => it.columns.agent),
  string('payment_id', (it) => it.columns.paymentId),
  stringList('payments', (it) => it.columns.payments),
  lowCardinality('kind', (it) => it.columns.kind),
  lowCardinality('task', (it) => it.columns.task),
  lowCardinality('session', (it) => it.columns.session),
  lowCardinality('seller', (it) => it.columns.seller),
  lowCardinality('category', (it) => it.columns.category),
  lowCardinality('trust', (it) => it.columns.trust),
  lowCardinality('jurisdiction', (it) => it.columns.jurisdiction),
  lowCardinality('domain', (it) => it.columns.domain),
  string('url', (it) => it.columns.url),
  lowCardinality('network', (it) => it.columns.network),
  lowCardinality('asset', (it) => it.columns.asset),
  string('pay_to', (it) => it.columns.payTo),
  bigUint256('amount', (it) => it.columns.amount),
  bigUint64('amount_units', (it) => asUnits(it.columns.amountUnits)),
  uint32('policy_version', (it) => it.columns.policyVersion),
  lowCardinality('policy_hash', (it) => it.columns.policyHash),
  lowCardinality('outcome', (it) => it.columns.outcome),
  lowCardinality('tier', (it) => it.columns.tier),
  lowCardinalityList('reasons', (it) => it.columns.reasons),
  lowCardinality('person', (it) => it.columns.person),
  lowCardinality('code', (it) => it.columns.code),
  lowCardinality('audit_depth', (it) => it.columns.auditDepth),
  lowCardinality('audit_profile', (it) => it.columns.auditProfile),
  lowCardinality('wallet', (it) => it.columns.wallet),
  string('nonce', (it) => it.columns.nonce),
  string('tx_hash', (it) => it.columns.txHash),
  dateTime64('chain_at', (it) => it.columns.chainAtMs),
  bytes('bytes', (it) => it.stored.bytes),
  lowCardinality('bytes_encoding', (it) => it.stored.encoding),
];

/** A row of `openings`: one free text of a record. */
interface OpeningRow {
  readonly leaf: number;
  readonly record: LogRecord;
  readonly columns: RecordColumns;
  readonly opening: ArchivedRecord['openings'][number];
  readonly shown: string;
}

export const OPENING_COLUMNS: readonly Column<OpeningRow>[] = [
  lowCardinality('tenant', (it) => it.columns.tenant),
  uint64('leaf', (it) => it.leaf),
  lowCardinality('lane', (it) => it.record.lane),
  uint64('lane_offset', (it) => it.record.offset),
  dateTime64('at', (it) => it.record.stampMs),
  lowCardinality('agent', (it) => it.columns.agent),
  string('payment_id', (it) => it.columns.paymentId),
  lowCardinality('event', (it) => it.columns.event),
  lowCardinality('field', (it) => it.opening.field),
  string('value', (it) => it.opening.value),
  string('salt', (it) => it.opening.salt),
  string('shown', (it) => it.shown),
];

export const CUT_COLUMNS: readonly Column<Pick<ArchiveBatch, 'cut' | 'tree'>>[] = [
  uint64('sequence', ({ cut }) => cut.sequence),
  lowCardinality('lane', ({ cut }) => cut.lane),
  uint64('lane_from', ({ cut }) => cut.from),
  uint64('lane_to', ({ cut }) => cut.to),
  uint64('tree_size', ({ cut }) => cut.treeSize),
  string('root', ({ tree }) => tree.root),
  stringList('frontier', ({ tree }) => tree.frontier),
];

/** Sum of the CRC-32 of each row's bytes as they are stored; exact up to two million rows. */
export function sumOfBytes(rows: readonly RecordRow[]): number {
  return rows.reduce((sum, { stored }) => sum + crc32(stored.bytes), 0);
}

/** Index of the cut's first record in the Merkle log. */
export function firstLeaf(cut: Cut): number {
  return cut.treeSize - (cut.to - cut.from);
}

export function recordRows({ cut, records }: ArchiveBatch): readonly RecordRow[] {
  const first = firstLeaf(cut);
  return records.map(({ record, columns }, index) => ({
    leaf: first + index,
    record,
    columns,
    stored: asStored(record.bytes),
  }));
}

/** The free text of a batch, a row each. */
export function openingRows({ cut, records }: ArchiveBatch): readonly OpeningRow[] {
  const first = firstLeaf(cut);
  return records.flatMap(({ record, columns, openings }, index) => {
    if (openings.length === 0) return [];
    const leaf = first + index;
    const shown = shownAs(rowOf(leaf, record, columns), openings.length);
    return openings.map((opening) => ({ leaf, record, columns, opening, shown }));
  });
}

function asStored(bytes: Uint8Array): Stored {
  if (isUtf8(bytes)) return { bytes, encoding: '' };
  return { bytes: Buffer.from(Buffer.from(bytes).toString('base64')), encoding: 'base64' };
}

/** The bytes of a row, from its columns `bytes` and `bytes_encoding`. */
export function asBytes(text: string, encoding: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, encoding === 'base64' ? 'base64' : 'utf8'));
}
