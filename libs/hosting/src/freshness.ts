import { Fault } from '@countersign/kernel';
import { CONTROL } from '@countersign/ports';
import type { LaneHost, Timers } from '@countersign/service-kit';

/** How long a request waits for this replica to catch up with the log. */
const WAIT_MAX_MS = 5_000;

/**
 * Whether this replica has folded what stands in the log. Requests wait for it, so that whatever one service has
 * acknowledged is seen by every other at the next request; any number of requests share one look at the log's ends.
 */
export class Freshness {
  readonly #host: LaneHost;
  readonly #timers: Timers;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  constructor(host: LaneHost, timers: Timers) {
    this.#host = host;
    this.#timers = timers;
  }

  /**
   * Resolves when all is folded that stood in the log at the call.
   *
   * @throws Fault `log_unavailable`, retryable, when that takes too long.
   */
  async reached(): Promise<void> {
    const late = Promise.withResolvers<never>();
    const cancel = this.#timers.after(WAIT_MAX_MS, () =>
      late.reject(
        new Fault('log_unavailable', 'this replica is behind the log', { retryable: true }),
      ),
    );
    try {
      await Promise.race([this.#shared(), late.promise]);
    } finally {
      cancel();
    }
  }

  async isReached(): Promise<boolean> {
    try {
      await this.reached();
      return true;
    } catch (error) {
      if (error instanceof Fault) return false;
      throw error;
    }
  }

  /** A look that began before the call may have missed what was acknowledged since: then the next one counts. */
  #shared(): Promise<void> {
    if (!this.#running) {
      this.#running = this.#look().finally(() => (this.#running = undefined));
      return this.#running;
    }
    this.#next ??= this.#running
      .catch(() => undefined)
      .then(() => {
        this.#next = undefined;
        return this.#shared();
      });
    return this.#next;
  }

  async #look(): Promise<void> {
    const names = [CONTROL, ...this.#host.lanes.map(({ lane }) => String(lane))];
    await Promise.all(names.map((name) => this.#host.caughtUp(name)));
  }
}
