import {
  type SetClock,
  describeBudgets,
  describeBudgetsModel,
  describeEventLog,
} from '@countersign/ports/suites';
import { makeStore } from './store-under-test.ts';

for (const kind of ['memory', 'file'] as const) {
  const capabilities = { clock: true, durable: kind === 'file' };

  describeEventLog(`SQLite (${kind})`, {
    capabilities,
    create: (clock, laneCount) => {
      const made = makeStore(kind, clock, laneCount);
      return Promise.resolve({
        log: made.store.log,
        other: made.store.log,
        reopen: async (count) => (await made.reopen(count)).log,
        dispose: () => made.dispose(),
      });
    },
  });

  const budgets = {
    capabilities,
    create: (clock: SetClock) => {
      const made = makeStore(kind, clock, 1);
      return Promise.resolve({
        budgets: made.store.budgets,
        reopen: async () => (await made.reopen()).budgets,
        dispose: () => made.dispose(),
      });
    },
  };
  describeBudgets(`SQLite (${kind})`, budgets);
  describeBudgetsModel(`SQLite (${kind})`, budgets);
}
