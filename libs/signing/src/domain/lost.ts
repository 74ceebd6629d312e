import { laneOfPayment } from '@countersign/payment';

/** What is lost is the end of a lane: so many of its newest signatures, all held, show that none is. */
export const NEWEST_OF_A_LANE = 1_000;

/**
 * What a log has lost of what was signed, newest first. Each lane is looked at by itself: one alone may have come back as an
 * older copy, while others went on.
 *
 * All of it or nothing: people accept a loss by its digest, and it must be found the same at each start, however much each of
 * its lanes has held since.
 *
 * @param signed in the order of time.
 * @param isHeld whether the log holds it; while nothing is missing, asked for {@link NEWEST_OF_A_LANE} of each lane at most.
 */
export async function lostOf<S extends { readonly paymentId: string }>(
  signed: readonly S[],
  laneCount: number,
  isHeld: (signed: S) => Promise<boolean>,
): Promise<readonly S[]> {
  const newestFirst = signed.toReversed();
  if (await holdsNewest(newestFirst, laneCount, isHeld)) return [];
  const lost: S[] = [];
  for (const it of newestFirst) if (!(await isHeld(it))) lost.push(it);
  return lost;
}

async function holdsNewest<S extends { readonly paymentId: string }>(
  newestFirst: readonly S[],
  laneCount: number,
  isHeld: (signed: S) => Promise<boolean>,
): Promise<boolean> {
  const held = new Map<number, number>();
  let lanesDone = 0;
  for (const it of newestFirst) {
    if (lanesDone === laneCount) return true;
    const lane = laneOfPayment(it.paymentId);
    const count = (held.get(lane) ?? 0) + 1;
    if (count > NEWEST_OF_A_LANE) continue;
    if (!(await isHeld(it))) return false;
    held.set(lane, count);
    if (count === NEWEST_OF_A_LANE) lanesDone += 1;
  }
  return true;
}
