import type { ArchiveEvent, RefusalCode } from '@countersign/contracts';
import type { Cut, LaneId, LogRecord } from '@countersign/ports';

/** What has been cut: the size of the Merkle log, and the next offset of each lane. */
export interface ArchiveState {
  readonly treeSize: number;
  readonly ends: ReadonlyMap<LaneId, number>;
}

export const EMPTY_ARCHIVE: ArchiveState = { treeSize: 0, ends: new Map() };

export type CutJudgement =
  | { readonly applied: true; readonly state: ArchiveState; readonly cut: Cut }
  | { readonly applied: false; readonly code: RefusalCode };

/**
 * Whether a cut counts: only if it continues both its lane and the tree. Of several recorders' cuts for the same range the
 * first counts, and what it leaves out the next one takes.
 *
 * @param sequence offset of the record in the archive lane.
 */
export function foldArchive(
  state: ArchiveState,
  sequence: number,
  { data }: ArchiveEvent,
): CutJudgement {
  const { lane, from, to, treeSize } = data;
  const continues = from === (state.ends.get(lane) ?? 0) && to > from;
  if (!continues || treeSize !== state.treeSize + to - from)
    return { applied: false, code: 'stale_cut' };
  const ends = new Map(state.ends).set(lane, to);
  return { applied: true, state: { treeSize, ends }, cut: { sequence, lane, from, to, treeSize } };
}

/** How many of the records, from the first on, belong into one insert: those of the first one's month of UTC. */
export function oneMonth(records: readonly Pick<LogRecord, 'stampMs'>[]): number {
  const [first] = records;
  if (!first) return 0;
  const month = monthOf(first.stampMs);
  const other = records.findIndex(({ stampMs }) => monthOf(stampMs) !== month);
  return other === -1 ? records.length : other;
}

function monthOf(stampMs: number): string {
  return new Date(stampMs).toISOString().slice(0, 7);
}
