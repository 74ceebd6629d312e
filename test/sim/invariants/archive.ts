import { sha256Hex } from '@countersign/kernel';
import { leafDigest } from '@countersign/payment';
import type { Cut } from '@countersign/ports';
import { type StoredRecord, firstLeaf } from '../event-tables.ts';
import type { World } from '../world.ts';
import type { MakeInvariant, Report } from './invariant.ts';

/** How old a record may be at the end that no cut has: what is folded late is cut late. */
const UNCUT_MAX_MS = 60_000;

/**
 * The event store holds the log's own bytes, each record once and where the cuts place it, judged as the fold judged it;
 * its rollups count each payment once; and at the end nothing is missing.
 */
export const archive: MakeInvariant = (world, report) => {
  const { history } = world;
  let { events } = world;
  const leaves = new Set<number>();
  let seen = 0;
  let counted = 0;

  const judge = (stored: StoredRecord) => {
    const { leaf, record, columns } = stored;
    const where = `leaf ${leaf}`;
    if (leaves.has(leaf)) return report(`${where} is in the event store twice`);
    leaves.add(leaf);
    const cut = cutOf(history.cuts, leaf);
    if (!cut) return report(`${where} is in no cut`);
    const offset = cut.from + leaf - firstLeaf(cut);
    const own = history.of(cut.lane)[offset];
    if (!own || record.lane !== cut.lane || record.offset !== offset)
      return report(`${where} is ${record.lane}:${record.offset}, not ${cut.lane}:${offset}`);
    if (leafDigest(record) !== leafDigest(own.record))
      return report(`${where} has other bytes than ${cut.lane}:${offset}`);
    if (columns.ignored !== (own.code ?? ''))
      return report(`${where} is called "${columns.ignored}", and the fold said ${own.code}`);
    if (columns.event === 'settlement.final' && columns.ignored === '') counted += 1;
  };
  return {
    onStep() {
      if (events !== world.events) {
        ({ events } = world);
        leaves.clear();
        [seen, counted] = [0, 0];
      }
      for (; seen < events.records.length; seen += 1) judge(events.records[seen]!);
      const cut = events.cuts.at(-1)?.treeSize ?? 0;
      if (cut > events.records.length)
        report(`the event store goes up to ${cut}, and has ${events.records.length} records`);
      if (events.spent.length > counted)
        report(`the rollup has ${events.spent.length} payments, and the records ${counted}`);
    },
    atEnd() {
      if (events.spent.length !== counted)
        report(`the rollup has ${events.spent.length} payments, and the records ${counted}`);
      compareCuts(world, report);
      for (const lane of ['control', ...history.lanes.keys()].map(String)) {
        const all = history.of(lane);
        const end = events.archived().ends.get(lane) ?? 0;
        const first = all[end];
        if (first && world.scheduler.nowMs - first.laneMs > UNCUT_MAX_MS)
          report(`${lane} is in the event store up to ${end} of ${all.length}`);
      }
    },
  };
};

/** Every cut is noted, in order and once, and the tree is that of its records. */
function compareCuts({ history, events }: World, report: Report): void {
  const noted = events.cuts.map(
    ({ sequence, lane, from, to }) => `${sequence} ${lane} ${from} ${to}`,
  );
  const known = history.cuts.slice(0, noted.length);
  const expected = known.map(({ sequence, lane, from, to }) => `${sequence} ${lane} ${from} ${to}`);
  if (noted.join('; ') !== expected.join('; '))
    return report('the event store has noted other cuts than the log has');
  const last = events.cuts.at(-1);
  if (!last) return;
  if (events.records.length !== last.treeSize)
    report(`${events.records.length} records are in the event store, and ${last.treeSize} are cut`);
  const hashes = known.flatMap(({ lane, from, to }) =>
    history
      .of(lane)
      .slice(from, to)
      .map(({ record }) => sha256Hex(bytesOf('00', leafDigest(record)))),
  );
  if (last.root !== rootOf(hashes)) report('the tree is not that of the log');
}

/** The cut a leaf is of: cuts are in the order of their leaves. */
function cutOf(cuts: readonly Cut[], leaf: number): Cut | undefined {
  let [low, high] = [0, cuts.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((cuts[middle]?.treeSize ?? 0) > leaf) high = middle;
    else low = middle + 1;
  }
  return cuts[low];
}

/** RFC 6962, section 2.1, as it is written there: in another way than the recorder computes it. */
function rootOf(hashes: readonly string[]): string {
  const [only] = hashes;
  if (only === undefined) return sha256Hex('');
  if (hashes.length === 1) return only;
  const half = 2 ** Math.ceil(Math.log2(hashes.length) - 1);
  const [left, right] = [rootOf(hashes.slice(0, half)), rootOf(hashes.slice(half))];
  return sha256Hex(bytesOf('01', left, right));
}

function bytesOf(...hex: readonly string[]): Uint8Array {
  return Uint8Array.from(Buffer.from(hex.join(''), 'hex'));
}
