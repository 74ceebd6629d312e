/** How long the node may wait for a nonce that was given out before it is given out again. */
const LOST_AFTER_MS = 15_000;

/**
 * Counts the nonces of one account. The node's own count may lag behind what was just sent, so a nonce is given on
 * from the last one. But one transaction that got lost (a node restarted, a mempool was full) would then hold up all
 * later ones for ever, as with viem's nonce manager; so a nonce the node keeps waiting for is given out again.
 */
export class Nonces {
  #next = 0;
  #behind: { readonly nonce: number; readonly sinceMs: number } | undefined;

  /**
   * @param waitedFor the node's count of this account, pending transactions included.
   * @param nowMs of a clock that never goes back.
   */
  take(waitedFor: number, nowMs: number): number {
    if (this.#next > waitedFor) {
      if (this.#behind?.nonce !== waitedFor) this.#behind = { nonce: waitedFor, sinceMs: nowMs };
      if (nowMs - this.#behind.sinceMs <= LOST_AFTER_MS) {
        this.#next += 1;
        return this.#next - 1;
      }
    }
    this.#behind = undefined;
    this.#next = waitedFor + 1;
    return waitedFor;
  }

  /** After a transaction the node refused: its count is right, ours is not. */
  forget(): void {
    this.#next = 0;
  }
}
