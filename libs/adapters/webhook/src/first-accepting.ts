import { Fault } from '@countersign/kernel';
import type { Notifier } from '@countersign/ports';

/**
 * Delivers to all, and accepts as soon as one has; the others go on by themselves.
 *
 * @throws Fault `notification_not_accepted` when none has; trying again may help if it may for any of them.
 */
export function firstAccepting(notifiers: readonly Notifier[]): Notifier {
  return {
    async notify(notification) {
      try {
        await Promise.any(notifiers.map(async (notifier) => notifier.notify(notification)));
      } catch (cause) {
        const errors: readonly unknown[] = cause instanceof AggregateError ? cause.errors : [];
        const why = errors.map((it) => (it instanceof Error ? it.message : String(it)));
        const message = why.length > 0 ? why.join('; ') : 'nobody is to be notified';
        const retryable = errors.some((it) => it instanceof Fault && it.retryable);
        throw new Fault('notification_not_accepted', message, { retryable, cause });
      }
    },
  };
}
