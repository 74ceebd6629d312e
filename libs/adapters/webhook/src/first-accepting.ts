import type { Notifier } from '@countersign/ports';

/** Delivers to all; accepted when at least one receiver took it. @throws the first fault when none did. */
export function firstAccepting(notifiers: readonly Notifier[]): Notifier {
  return {
    async notify(notification) {
      const results = await Promise.allSettled(notifiers.map((it) => it.notify(notification)));
      if (results.some((result) => result.status === 'fulfilled')) return;
      const refused = results.find((result) => result.status === 'rejected');
      if (refused) throw refused.reason;
    },
  };
}
