/**
 * Which lanes' debts this replica should pay. A hint, and never a lock: two replicas may hold a lane at once, as every
 * effect is harmless twice, and a replica keeps what it holds until it is told otherwise, also while it is cut off.
 *
 * Guarantees: while replicas can reach each other, every lane is held by at least one of them again soon after one
 * joins, leaves or dies. Who has not joined holds nothing, and takes no lane from others.
 */
export interface DutyShares {
  /** @param lane its number; `control` and `archive` are nobody's duty */
  holds(lane: number): boolean;
  /** Asks for a share, once this replica can work; lanes come later. Idempotent, and nothing once it is closed. */
  join(): void;
  /** Calls `listener` after each change of what this replica holds; the returned function ends that. */
  onChange(listener: () => void): () => void;
  /** Holds nothing from now on, and leaves the lanes to the others. Idempotent. */
  close(): Promise<void>;
}
