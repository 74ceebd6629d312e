import type { ArchiveEvent } from '@countersign/contracts';
import { describe, expect, it } from 'vitest';
import { type ArchiveState, EMPTY_ARCHIVE, foldArchive, oneMonth } from './archive.ts';

const cut = (lane: string, from: number, to: number, treeSize: number): ArchiveEvent => ({
  id: 'a'.repeat(64),
  name: 'archive.cut',
  causationId: 'c',
  data: { lane, from, to, treeSize, signature: { keyId: 'k', value: 'v' } },
});

/** Folds cuts in the order of the log and tells which counted. */
function fold(cuts: readonly ArchiveEvent[]): { counted: boolean[]; state: ArchiveState } {
  let state = EMPTY_ARCHIVE;
  const counted = cuts.map((event, sequence) => {
    const judged = foldArchive(state, sequence, event);
    if (judged.applied) ({ state } = judged);
    return judged.applied;
  });
  return { counted, state };
}

describe('a cut', () => {
  it('counts if it continues its lane and the tree', () => {
    const { counted, state } = fold([
      cut('0', 0, 5, 5),
      cut('control', 0, 2, 7),
      cut('0', 5, 6, 8),
    ]);
    expect(counted).toEqual([true, true, true]);
    expect(state).toEqual({
      treeSize: 8,
      ends: new Map([
        ['0', 6],
        ['control', 2],
      ]),
    });
  });

  it.each([
    ['a repeat', cut('0', 0, 5, 10)],
    ['a gap in the lane', cut('0', 6, 7, 6)],
    ['an overlap', cut('0', 4, 7, 8)],
    ['a gap in the tree', cut('1', 0, 1, 7)],
    ['another size of the tree', cut('1', 0, 2, 6)],
    ['an empty range', cut('1', 0, 0, 5)],
    ['a range that runs back', cut('0', 5, 4, 4)],
  ])('that is %s does not count', (_, other) => {
    const { counted, state } = fold([cut('0', 0, 5, 5), other, cut('1', 0, 1, 6)]);
    expect(counted).toEqual([true, false, true]);
    expect(state.treeSize).toBe(6);
  });
});

describe('an insert', () => {
  const at = (...times: string[]) => times.map((time) => ({ stampMs: Date.parse(time) }));

  it.each([
    [at(), 0],
    [at('2026-08-31T23:59:59.999Z', '2026-09-01T00:00:00.000Z'), 1],
    [at('2026-09-01T00:00:00.000Z', '2026-09-30T23:59:59.999Z'), 2],
    [at('2026-12-31T23:00:00.000Z', '2026-12-31T23:30:00.000Z', '2027-12-01T00:00:00.000Z'), 2],
  ])('is of one month of UTC: %j', (records, count) => {
    expect(oneMonth(records)).toBe(count);
  });
});
