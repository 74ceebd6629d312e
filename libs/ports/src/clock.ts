/** The shell's clock; nothing in a domain reads it. */
export interface Clock {
  /** Wall clock, Unix milliseconds. */
  nowMs(): number;
  /** Monotonic milliseconds, for ages. */
  monotonicMs(): number;
}
