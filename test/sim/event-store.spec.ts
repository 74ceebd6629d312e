import { describeEventStore } from '@countersign/ports/suites';
import { eventStorePort } from './event-store.ts';
import { EventTables } from './event-tables.ts';

describeEventStore('the event store of the simulation', {
  sqlBytesMax: undefined,
  create() {
    const tables = new EventTables();
    const open = () =>
      eventStorePort({
        tables: () => tables,
        ask: (_, statement) => Promise.resolve().then(statement),
      });
    const countSpent = () => tables.spent.reduce((sum, { line }) => sum + line.payments, 0);
    return Promise.resolve({
      store: open(),
      counts: () =>
        Promise.resolve({
          records: tables.records.length,
          openings: tables.texts,
          spentByDay: countSpent(),
          spentByReason: countSpent(),
          cuts: tables.cuts.length,
        }),
      reopen: () => Promise.resolve(open()),
      dispose: () => Promise.resolve(),
    });
  },
});
