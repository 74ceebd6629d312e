import { Fault } from '@countersign/kernel';
import type { LaneHost, Timers } from '@countersign/service-kit';

/** How long a request waits for this replica to catch up with the log. */
const WAIT_MAX_MS = 5_000;

/**
 * Whether this replica has folded what stands in the log. Requests wait for it, so that whatever one service has
 * acknowledged is seen by every other at the next request.
 */
export class Freshness {
  readonly #host: LaneHost;
  readonly #timers: Timers;

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
      await Promise.race([this.#host.caughtUpWithAll(), late.promise]);
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
}
