import { laneOfPayment } from '@countersign/payment';

const DAY_MS = 86_400_000;

export interface Counted {
  readonly paymentId: string;
  /** Atomic units. */
  readonly value: bigint;
  /** The latest time at which it was signed. Unix milliseconds. */
  readonly atMs: number;
}

/** What one wallet may have signed away of one token in the last 24 hours; older entries are let go as newer ones come. */
export class DaySum {
  /** By time, and those of one time as they became known: those of a lane are in the lane's order. */
  #entries: Counted[] = [];
  #gone = 0;
  #sum = 0n;

  /** The log is read lane by lane, and so not in the order of its time. */
  add(counted: Counted): void {
    let [low, high] = [this.#gone, this.#entries.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#entries[middle]?.atMs ?? 0) > counted.atMs) high = middle;
      else low = middle + 1;
    }
    this.#entries.splice(low, 0, counted);
    this.#sum += counted.value;
    this.#letGo();
  }

  /** Of the 24 hours before `nowMs`. A clock that was ahead for a moment, and asked, has lost nothing. */
  at(nowMs: number): bigint {
    let sum = this.#sum;
    for (let at = this.#gone; at < this.#entries.length; at += 1) {
      const entry = this.#entries[at];
      if (!entry || entry.atMs > nowMs - DAY_MS) break;
      sum -= entry.value;
    }
    return sum;
  }

  /** The sum without the payment and without what stands after it in its lane: a few, as it was fixed just now. */
  beside(paymentId: string, nowMs: number): bigint {
    const sum = this.at(nowMs);
    const lane = laneOfPayment(paymentId);
    let after = 0n;
    const standing = this.#entries.length - this.#gone;
    for (let back = 1; back <= standing; back += 1) {
      const entry = this.#entries.at(-back);
      if (entry?.paymentId === paymentId) return sum - after - entry.value;
      if (entry && laneOfPayment(entry.paymentId) === lane) after += entry.value;
    }
    return sum;
  }

  /** What is older than a day beside the newest: read from years of a journal, all of it would stay in memory. */
  #letGo(): void {
    const untilMs = (this.#entries.at(-1)?.atMs ?? 0) - DAY_MS;
    for (;;) {
      const oldest = this.#entries[this.#gone];
      if (!oldest || oldest.atMs > untilMs) break;
      this.#sum -= oldest.value;
      this.#gone += 1;
    }
    if (this.#gone > 1_000 && this.#gone * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#gone);
      this.#gone = 0;
    }
  }
}
