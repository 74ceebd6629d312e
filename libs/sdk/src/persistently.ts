import { setTimeout as delay } from 'node:timers/promises';
import { CountersignError } from './errors.ts';

const PAUSES_MS = [200, 800] as const;

/**
 * Calls Countersign again while it cannot be reached or has a fault of its own. Only for calls that are safe to repeat;
 * a refusal that says "later" is for the caller, who knows how long it can wait.
 */
export async function persistently<T>(call: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  for (const pauseMs of PAUSES_MS) {
    try {
      return await call();
    } catch (error) {
      if (!isFault(error)) throw error;
      await delay(pauseMs, undefined, { signal });
    }
  }
  return call();
}

function isFault(error: unknown): boolean {
  return error instanceof CountersignError && error.retryable && (error.status ?? 503) >= 500;
}
