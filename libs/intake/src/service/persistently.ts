import { Fault } from '@countersign/kernel';
import type { Log, Timers } from '@countersign/service-kit';

const RETRY_MIN_MS = 50;
const RETRY_MAX_MS = 5_000;

export interface Persistence {
  readonly timers: Timers;
  readonly log: Log;
  /** Aborted when nobody shall go on. */
  readonly signal: AbortSignal;
}

/**
 * Tries until it succeeds while what it needs is merely out of reach.
 *
 * @throws what it failed with when that is no retryable fault, or when it was told to stop.
 */
export async function persistently<T>(
  task: () => Promise<T>,
  { timers, log, signal }: Persistence,
): Promise<T> {
  for (let failures = 1; ; failures += 1) {
    try {
      return await task();
    } catch (error) {
      if (signal.aborted || !(error instanceof Fault) || !error.retryable) throw error;
      log.warn({ code: error.code, failures }, error.message);
      await pause(Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** Math.min(failures, 10)), {
        timers,
        signal,
      });
    }
  }
}

async function pause(
  delayMs: number,
  { timers, signal }: Pick<Persistence, 'timers' | 'signal'>,
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const cancel = timers.after(delayMs, resolve);
  const stop = () => resolve();
  signal.addEventListener('abort', stop, { once: true });
  await promise;
  signal.removeEventListener('abort', stop);
  cancel();
}
