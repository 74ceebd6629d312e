import type { Clock } from '@countersign/ports';

interface Waiting {
  readonly dueMs: number;
  readonly order: number;
  readonly task: () => void;
}

/** Time that moves only when a test says so. Fits the Clock port and the service kit's Timers. */
export class VirtualTime {
  #nowMs: number;
  #order = 0;
  readonly #waiting = new Set<Waiting>();

  constructor(startMs: number) {
    this.#nowMs = startMs;
  }

  readonly clock: Clock = {
    nowMs: () => this.#nowMs,
    monotonicMs: () => this.#nowMs,
  };

  readonly timers = {
    after: (delayMs: number, task: () => void): (() => void) => {
      this.#order += 1;
      const waiting = { dueMs: this.#nowMs + Math.max(0, delayMs), order: this.#order, task };
      this.#waiting.add(waiting);
      return () => void this.#waiting.delete(waiting);
    },
  };

  get nowMs(): number {
    return this.#nowMs;
  }

  /** Due time of the next timer, or undefined when nothing waits. */
  nextDueMs(): number | undefined {
    const due = [...this.#waiting].map((it) => it.dueMs);
    return due.length === 0 ? undefined : Math.min(...due);
  }

  /** Moves to `toMs` and runs what is due on the way, in order of time and then of setting. */
  moveTo(toMs: number): void {
    for (;;) {
      const next = [...this.#waiting]
        .filter((it) => it.dueMs <= toMs)
        .sort((a, b) => a.dueMs - b.dueMs || a.order - b.order)[0];
      if (!next) break;
      this.#waiting.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.dueMs);
      next.task();
    }
    this.#nowMs = Math.max(this.#nowMs, toMs);
  }
}
