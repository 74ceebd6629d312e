const PART_OF_AGE = 8;
const REST_MAX_MS = 15_000;

/**
 * How long a payment rests before the chain is asked about it again, a multiple of `pollMs`: what has waited long waits a
 * little longer. A payment is under way for as long as its chain takes to finalize, a quarter of an hour on some.
 *
 * @param ageMs since its authorization was fixed; negative when clocks differ.
 * @returns `pollMs` in the beginning, then an eighth of its age, and never more than 15 s unless `pollMs` is more.
 */
export function restMs(ageMs: number, pollMs: number): number {
  const wantedMs = Math.min(ageMs / PART_OF_AGE, REST_MAX_MS);
  return Math.max(1, Math.floor(wantedMs / pollMs)) * pollMs;
}
