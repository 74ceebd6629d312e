import type { Clock } from '@countersign/ports';

/** The log time in milliseconds that a lane's next record would have: a lane in which nothing happens has an old one. */
export function nextLogTimeMs(lane: { readonly atMs: number }, clock: Clock): number {
  return Math.max(lane.atMs, clock.nowMs());
}
