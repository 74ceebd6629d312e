import { z } from 'zod';
import { StatementSignature } from '../text.ts';

/** A lane whose records are archived: all but `archive` itself, whose records the tree's order is made of. */
export const ArchivedLane = z
  .string()
  .regex(/^(?:control|0|[1-9][0-9]{0,3})$/, '`control`, or the number of a lane');

/** Every record of `archive`. All are written by recorders. */
export const ARCHIVE_EVENTS = {
  /**
   * The records `from` ≤ offset < `to` of one lane come next in the event store and in the Merkle log, whose size is then
   * `treeSize`. Counts only if it continues both; so what is inserted is fixed before anyone inserts it.
   */
  'archive.cut': z.strictObject({
    lane: ArchivedLane,
    from: z.int().nonnegative(),
    to: z.int().positive(),
    treeSize: z.int().positive(),
    signature: StatementSignature,
  }),
} as const;
