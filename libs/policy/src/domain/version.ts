/**
 * Version of the rules by which decisions are made now. A decision records it, and replays by it: whatever changes what a
 * verdict says, if only a word of its trace, is made under a new version, and the old way stays.
 *
 * 1: the first. 2: verdicts say what is still available, and one decision reads at most {@link READINGS_MAX} limits.
 * 3: a payment that names a session which is not open is denied, whether or not a budget counts by session.
 */
export const RULES_VERSION = 3;

/** Most limits that are read for one decision. */
export const READINGS_MAX = 250;

/** Limits told as available; of more, the first. */
export const AVAILABLE_MAX = 50;
