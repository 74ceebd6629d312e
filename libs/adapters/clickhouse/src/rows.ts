import { crc32 } from 'node:zlib';
import type { ArchiveBatch, ArchivedRecord, Cut } from '@countersign/ports';

/** Columns of `records` in the order of {@link recordRow}. */
export const RECORD_COLUMNS = [
  'tenant',
  'leaf',
  'lane',
  'lane_offset',
  'at',
  'record_key',
  'event',
  'ignored',
  'agent',
  'payment_id',
  'kind',
  'task',
  'session',
  'seller',
  'category',
  'trust',
  'jurisdiction',
  'domain',
  'url',
  'network',
  'asset',
  'pay_to',
  'amount',
  'amount_units',
  'policy_version',
  'policy_hash',
  'outcome',
  'tier',
  'reasons',
  'person',
  'code',
  'audit_depth',
  'audit_profile',
  'wallet',
  'nonce',
  'tx_hash',
  'chain_at',
  'trace_id',
  'bytes',
  'bytes_encoding',
] as const;

export const OPENING_COLUMNS = [
  'tenant',
  'leaf',
  'lane',
  'lane_offset',
  'at',
  'agent',
  'payment_id',
  'event',
  'field',
  'value',
  'salt',
] as const;

/** Largest value of the UInt64 column; the unit of account is refused far below it. */
const UINT64_MAX = 2n ** 64n - 1n;

const BYTES = RECORD_COLUMNS.indexOf('bytes');

/** Sum of the CRC-32 of each row's bytes as they are stored; exact up to two million rows. */
export function sumOfBytes(rows: readonly (readonly unknown[])[]): number {
  return rows.reduce((sum, row) => sum + crc32(String(row[BYTES])), 0);
}

/** Index of the cut's first record in the Merkle log. */
export function firstLeaf(cut: Cut): number {
  return cut.treeSize - (cut.to - cut.from);
}

/** A record as JSONCompactEachRow takes it; a DateTime64(3) is a number of milliseconds. */
export function recordRow(archived: ArchivedRecord, leaf: number): readonly unknown[] {
  const { record, columns: it } = archived;
  const { text, encoding } = asText(record.bytes);
  return [
    it.tenant,
    leaf,
    record.lane,
    record.offset,
    record.stampMs,
    record.key,
    it.event,
    it.ignored,
    it.agent,
    it.paymentId,
    it.kind,
    it.task,
    it.session,
    it.seller,
    it.category,
    it.trust,
    it.jurisdiction,
    it.domain,
    it.url,
    it.network,
    it.asset,
    it.payTo,
    it.amount.toString(),
    (it.amountUnits > UINT64_MAX ? UINT64_MAX : it.amountUnits).toString(),
    it.policyVersion,
    it.policyHash,
    it.outcome,
    it.tier,
    it.reasons,
    it.person,
    it.code,
    it.auditDepth,
    it.auditProfile,
    it.wallet,
    it.nonce,
    it.txHash,
    it.chainAtMs,
    record.traceparent?.split('-')[1] ?? '',
    text,
    encoding,
  ];
}

/** The free text of a batch, a row each. */
export function openingRows({ cut, records }: ArchiveBatch): readonly (readonly unknown[])[] {
  const first = firstLeaf(cut);
  return records.flatMap(({ record, columns, openings }, index) =>
    openings.map(({ field, value, salt }) => [
      columns.tenant,
      first + index,
      record.lane,
      record.offset,
      record.stampMs,
      columns.agent,
      columns.paymentId,
      columns.event,
      field,
      value,
      salt,
    ]),
  );
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** JSON can carry text only: bytes that are none go as base64, and say so. */
function asText(bytes: Uint8Array): { readonly text: string; readonly encoding: '' | 'base64' } {
  try {
    return { text: utf8.decode(bytes), encoding: '' };
  } catch {
    return { text: Buffer.from(bytes).toString('base64'), encoding: 'base64' };
  }
}

/** The bytes of a row, from its columns `bytes` and `bytes_encoding`. */
export function asBytes(text: string, encoding: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, encoding === 'base64' ? 'base64' : 'utf8'));
}
