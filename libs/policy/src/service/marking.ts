import type { LaneState } from '@countersign/payment';
import type { LaneHost, Log } from '@countersign/service-kit';

/**
 * Tells every lane how far it sees `control`. Owed whenever control is ahead of a lane; one mark at a time per lane, so
 * that a burst of changes costs one mark and not one each.
 */
export class Marking {
  readonly #host: LaneHost;
  readonly #log: Log;
  readonly #running = new Set<number>();
  #stop: (() => void) | undefined;

  constructor(host: LaneHost, log: Log) {
    this.#host = host;
    this.#log = log;
  }

  start(): void {
    this.#stop = this.#host.onControl(() => this.#markAll());
    this.#markAll();
  }

  stop(): void {
    this.#stop?.();
    this.#stop = undefined;
  }

  #markAll(): void {
    for (const lane of this.#host.lanes) this.#mark(lane);
  }

  #mark(lane: LaneState): void {
    const through = this.#host.control.offset;
    if (!this.#stop || lane.through >= through || this.#running.has(lane.lane)) return;
    this.#running.add(lane.lane);
    const cause = `control/${through}`;
    this.#host
      .append('mark.made', { lane: lane.lane, through }, { cause })
      .then(
        () => {
          this.#running.delete(lane.lane);
          this.#mark(lane);
        },
        (error: unknown) => {
          this.#running.delete(lane.lane);
          this.#log.warn({ lane: lane.lane, err: error }, 'a mark could not be appended');
        },
      );
  }
}
