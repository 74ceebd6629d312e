import type { ClickHouseClient } from '@clickhouse/client';
import { Fault } from '@countersign/kernel';
import type { Archived, Cut } from '@countersign/ports';
import { firstLeaf } from './rows.ts';
import { rowsOf } from './select.ts';

const NOTHING_ARCHIVED: Archived = {
  sequence: -1,
  treeSize: 0,
  root: '',
  frontier: [],
  ends: new Map(),
};

interface CutRow {
  readonly sequence_number: number;
  readonly size: number;
  readonly root: string;
  readonly frontier: readonly string[];
}

/** How far the tables go. */
export async function archivedIn(reader: ClickHouseClient): Promise<Archived> {
  const [last] = await rowsOf<CutRow>(
    reader,
    `SELECT toFloat64(sequence) AS sequence_number, toFloat64(tree_size) AS size, root, frontier
     FROM cuts ORDER BY sequence DESC LIMIT 1`,
  );
  if (!last) return NOTHING_ARCHIVED;
  const ends = await rowsOf<{ lane: string; end: number }>(
    reader,
    // What another recorder has added since the first query would not fit its answer.
    'SELECT lane, toFloat64(max(lane_to)) AS end FROM cuts WHERE sequence <= {last:UInt64} GROUP BY lane',
    { last: last.sequence_number },
  );
  return {
    sequence: last.sequence_number,
    treeSize: last.size,
    root: last.root,
    frontier: last.frontier,
    ends: new Map(ends.map(({ lane, end }) => [lane, end])),
  };
}

/** So many records the whole cuts have. */
export async function sizeIn(client: ClickHouseClient): Promise<number> {
  const [found] = await rowsOf<{ size: number }>(
    client,
    'SELECT toFloat64(max(tree_size)) AS size FROM cuts',
  );
  return found?.size ?? 0;
}

/** @param size of what the tables hold */
export function gapBefore(cut: Cut, size: number): Fault {
  const what = `${cut.lane}:${cut.from}-${cut.to}`;
  return new Fault(
    'event_store_emptied',
    `it holds ${size} records of the ${firstLeaf(cut)} before ${what}`,
    { retryable: true },
  );
}

/**
 * That each record is there once, at its place and with its bytes: a repeated insert that the table drops says nothing of
 * what was stored the first time.
 *
 * @param sum of the checksums of what was written as each record's bytes.
 * @throws Fault `archive_mismatch`; {@link RecordsLacking} where there is nothing else, but not all.
 */
export async function readBack(client: ClickHouseClient, cut: Cut, sum: number): Promise<void> {
  const first = firstLeaf(cut);
  const [found] = await rowsOf<{ rows: number; fitting: number; leaves: number; sum: number }>(
    client,
    `SELECT toFloat64(count()) AS rows, toFloat64(uniqExact(leaf)) AS leaves, toFloat64(sum(CRC32(bytes))) AS sum,
       toFloat64(countIf(lane = {lane:String} AND lane_offset = {from:UInt64} + (leaf - {first:UInt64}))) AS fitting
     FROM records WHERE leaf >= {first:UInt64} AND leaf < {end:UInt64}`,
    { lane: cut.lane, from: cut.from, first, end: cut.treeSize },
  );
  const count = cut.to - cut.from;
  const isThere = found && [found.rows, found.leaves, found.fitting].every((it) => it === count);
  if (isThere && found.sum === sum) return;
  const what = `the ${count} of ${cut.lane}:${cut.from}-${cut.to} should be`;
  if (found && found.rows < count && found.fitting === found.rows)
    throw new RecordsLacking(`${found.rows} records where ${what}`);
  throw new Fault(
    'archive_mismatch',
    isThere ? `other bytes where ${what}` : `${found?.rows} records where ${what}`,
    { retryable: false },
  );
}

/** What the table dropped as a repeat is not there. */
export class RecordsLacking extends Fault {
  constructor(message: string) {
    super('archive_mismatch', message, { retryable: false });
  }
}
