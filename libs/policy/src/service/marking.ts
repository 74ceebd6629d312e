import type { LaneState } from '@countersign/payment';
import type { StatementKey } from '@countersign/ports';
import { type LaneHost, type Log, type Timers, signStatement } from '@countersign/service-kit';

const RETRY_MS = 500;

export interface MarkingParts {
  readonly host: LaneHost;
  readonly key: StatementKey;
  readonly timers: Timers;
  readonly log: Log;
}

/**
 * Tells every lane how far it sees `control`. Owed whenever control is ahead of a lane; one mark at a time per lane, so
 * that a burst of changes costs one mark and not one each.
 */
export class Marking {
  readonly #parts: MarkingParts;
  readonly #running = new Set<number>();
  #stop: (() => void) | undefined;

  constructor(parts: MarkingParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#stop = this.#parts.host.onControl(() => this.#markAll());
    this.#markAll();
  }

  stop(): void {
    this.#stop?.();
    this.#stop = undefined;
  }

  #markAll(): void {
    for (const lane of this.#parts.host.lanes) void this.#mark(lane);
  }

  async #mark(lane: LaneState): Promise<void> {
    const { host, key, timers, log } = this.#parts;
    const through = host.control.offset;
    if (!this.#stop || lane.through >= through || this.#running.has(lane.lane)) return;
    this.#running.add(lane.lane);
    try {
      const cause = `control/${through}`;
      const data = await signStatement(key, 'mark.made', { lane: lane.lane, through }, cause);
      await host.append('mark.made', data, { cause });
      this.#running.delete(lane.lane);
      void this.#mark(lane);
    } catch (error) {
      log.warn({ lane: lane.lane, err: error }, 'a mark could not be appended; trying again');
      this.#running.delete(lane.lane);
      timers.after(RETRY_MS, () => void this.#mark(lane));
    }
  }
}
