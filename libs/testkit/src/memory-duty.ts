import type { DutyShares } from '@countersign/ports';

/** Divides the lanes among the replicas of one process, in turn, at once on every change. */
export class MemoryDuty {
  readonly #laneCount: number;
  readonly #members = new Set<Member>();

  constructor(laneCount: number) {
    this.#laneCount = laneCount;
  }

  /** A replica, which has not joined. */
  replica(): DutyShares {
    const join = () => {
      if (this.#members.has(member)) return;
      this.#members.add(member);
      this.#divide();
    };
    const leave = () => {
      if (!this.#members.delete(member)) return;
      member.assign([]);
      this.#divide();
    };
    const member = new Member(join, leave);
    return member;
  }

  join(): DutyShares {
    const member = this.replica();
    member.join();
    return member;
  }

  #divide(): void {
    const members = [...this.#members];
    const lanes = Array.from({ length: this.#laneCount }, (_, lane) => lane);
    for (const [index, member] of members.entries())
      member.assign(lanes.filter((lane) => lane % members.length === index));
    for (const member of members) member.tell();
  }
}

class Member implements DutyShares {
  readonly #listeners = new Set<() => void>();
  readonly #join: () => void;
  readonly #leave: () => void;
  #lanes: ReadonlySet<number> = new Set();
  #isClosed = false;

  constructor(join: () => void, leave: () => void) {
    this.#join = join;
    this.#leave = leave;
  }

  holds(lane: number): boolean {
    return this.#lanes.has(lane);
  }

  join(): void {
    if (!this.#isClosed) this.#join();
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): Promise<void> {
    this.#isClosed = true;
    this.#leave();
    return Promise.resolve();
  }

  assign(lanes: readonly number[]): void {
    this.#lanes = new Set(lanes);
  }

  tell(): void {
    for (const listener of this.#listeners) listener();
  }
}
