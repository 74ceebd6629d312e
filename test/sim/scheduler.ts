import { createHash } from 'node:crypto';
import { setImmediate as macrotask } from 'node:timers/promises';
import type { Dice } from './dice.ts';

/** Whoever events happen to: nothing happens to the dead, and a paused one gets everything when it wakes. */
export interface Party {
  isAlive: boolean;
  /** Its machine is gone too: what it sent never arrives. */
  isGone: boolean;
  pausedUntilMs: number;
  /** Until then it reaches nothing and nothing reaches it, while its clock and timers go on. */
  cutOffUntilMs: number;
  /** How long its monotonic clock stood still: a machine that is suspended does not count the time. */
  suspendedMs: number;
}

export function newParty(): Party {
  return { isAlive: true, isGone: false, pausedUntilMs: 0, cutOffUntilMs: 0, suspendedMs: 0 };
}

interface Event {
  atMs: number;
  /** Decides between events of one millisecond: drawn, so that no order is privileged. */
  readonly tie: number;
  readonly label: string;
  readonly party: Party | undefined;
  task: (() => void) | undefined;
}

/**
 * Owns time and order. One step is one event; all that the system does in answer to it (every promise that can go on)
 * is done before the next. Nothing in the world waits for anything but an event of this scheduler.
 */
export class Scheduler {
  nowMs: number;
  steps = 0;
  readonly #dice: Dice;
  readonly #heap: Event[] = [];
  readonly #trace = createHash('sha256');

  constructor(dice: Dice, startMs: number) {
    this.#dice = dice;
    this.nowMs = startMs;
  }

  /** Plans an event; the returned function takes it back. */
  after(delayMs: number, label: string, task: () => void, party?: Party): () => void {
    const atMs = this.nowMs + Math.max(0, Math.ceil(delayMs));
    const event: Event = { atMs, tie: this.#dice.next(), label, party, task };
    this.#push(event);
    return () => {
      event.task = undefined;
    };
  }

  sleep(delayMs: number, label: string): Promise<void> {
    return new Promise((resolve) => this.after(delayMs, label, resolve));
  }

  /** Takes the next event and lets everything that follows from it happen; false when there is none. */
  async step(): Promise<boolean> {
    for (;;) {
      const event = this.#pop();
      if (!event) return false;
      const { task, party } = event;
      if (!task || party?.isAlive === false) continue;
      if (party && party.pausedUntilMs > event.atMs) {
        // It may wake sooner.
        event.atMs = Math.min(party.pausedUntilMs, event.atMs + 1_000);
        this.#push(event);
        continue;
      }
      this.nowMs = Math.max(this.nowMs, event.atMs);
      this.steps += 1;
      this.note(event.label);
      task();
      await macrotask();
      return true;
    }
  }

  /** Adds to the run's trace: two runs with equal digests took the same steps. Ids that are random do not belong in it. */
  note(what: string): void {
    this.#trace.update(`${this.nowMs} ${what}\n`);
  }

  traceDigest(): string {
    return this.#trace.copy().digest('hex');
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let index = heap.push(event) - 1;
    while (index > 0) {
      const above = (index - 1) >> 1;
      const parent = heap[above];
      if (!parent || isBefore(parent, event)) break;
      heap[index] = parent;
      index = above;
    }
    heap[index] = event;
  }

  #pop(): Event | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (!first || !last || heap.length === 0) return first;
    let index = 0;
    for (;;) {
      const left = heap[2 * index + 1];
      const right = heap[2 * index + 2];
      const child = right && left && isBefore(right, left) ? right : left;
      if (!child || isBefore(last, child)) break;
      heap[index] = child;
      index = child === left ? 2 * index + 1 : 2 * index + 2;
    }
    heap[index] = last;
    return first;
  }
}

function isBefore(one: Event, other: Event): boolean {
  return one.atMs === other.atMs ? one.tie < other.tie : one.atMs < other.atMs;
}
