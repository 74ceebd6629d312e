/** One value under a name; what the bytes mean is the caller's affair. */
export interface StateEntry {
  readonly collection: string;
  readonly key: string;
  readonly value: Uint8Array;
  /** From this time on the entry may be forgotten (milliseconds, by the time given to `save`). */
  readonly expiresAtMs?: number;
}

export interface StateChanges {
  readonly puts: readonly StateEntry[];
  readonly deletes: readonly { readonly collection: string; readonly key: string }[];
  /** Entries that expired before this time may go now; some of them, so that a save stays short. */
  readonly nowMs: number;
}

/**
 * A cache of what was folded from a log, by key. Losing all of it costs time and nothing else; having half of a save
 * would be wrong, so a save is all or nothing, and so is what survives a crash: some last save, whole.
 *
 * Look-ups are synchronous, because the fold is: an adapter keeps its entries in the process or in a local file.
 */
export interface StateStore {
  /** Undefined for a key that is not there. */
  get(collection: string, key: string): Uint8Array | undefined;
  /**
   * Entries whose key starts with `prefix` and sorts before `below`, from the last to the first, at most `max`. Keys are
   * ASCII where their order matters.
   */
  newest(
    collection: string,
    range: { readonly prefix: string; readonly below?: string; readonly max: number },
  ): readonly { readonly key: string; readonly value: Uint8Array }[];
  /** @throws Fault `state_unavailable` when it cannot be written: then nothing of it was. */
  save(changes: StateChanges): void;
  /** Forgets everything. */
  clear(): void;
  /** Idempotent. */
  close(): void;
}
