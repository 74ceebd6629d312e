import { Fault, invariant } from '@countersign/kernel';
import { type EventStore, SqlRefused } from '@countersign/ports';
import { type EventTables, firstLeaf } from './event-tables.ts';

/** Carries one statement to the server and its answer back. */
export type Ask = <T>(name: string, statement: () => T, reads?: boolean) => Promise<T>;

export interface EventStoreParts {
  /** The tables as they are now: somebody may have emptied them. */
  readonly tables: () => EventTables;
  readonly ask: Ask;
  /** Whether an insert ends between the records and what is summed up from them. */
  readonly isTorn?: () => boolean;
}

/** The port over {@link EventTables}, statement by statement in the order of the real adapter. It has no SQL. */
export function eventStorePort({ tables, ask, isTorn = () => false }: EventStoreParts): EventStore {
  return {
    archived: () => ask('read how far the store goes', () => tables().archived(), true),
    async archive(batch) {
      const { cut, records } = batch;
      const fits = records.every(
        ({ record }, index) => record.lane === cut.lane && record.offset === cut.from + index,
      );
      invariant(fits && records.length === cut.to - cut.from, 'not the records of the cut');
      const token = `${cut.lane}:${cut.from}-${cut.to}`;
      const what = `${token} up to leaf ${firstLeaf(cut) + records.length}`;
      // Tables are dropped with the inserts into them that are under way.
      const into = tables();
      const { treeSize } = into.archived();
      if (firstLeaf(cut) > treeSize)
        throw new Fault('event_store_emptied', `it holds ${treeSize} records before ${what}`, {
          retryable: true,
        });
      await ask(`insert ${what}`, () => {
        into.insert('records', token, batch);
        if (isTorn()) throw new Fault('event_store_unavailable', 'torn', { retryable: true });
        into.insert('spend', token, batch);
      });
      if (records.some(({ openings }) => openings.length > 0))
        await ask(`insert the texts of ${what}`, () => into.insert('openings', token, batch));
      if (!(await ask(`read back ${what}`, () => into.holds(batch), true)))
        throw new Fault('archive_mismatch', `not what ${what} should be`, { retryable: false });
      await ask(`note ${what}`, () => into.insert('cuts', token, batch));
    },
    leaves: (from, to) => ask('read leaves', () => tables().leaves(from, to), true),
    columnsOf: (ids) => ask('read columns', () => tables().columnsOf(ids), true),
    search: (query) => ask('search', () => tables().search(query), true),
    spend: (query) => ask('read spending', () => tables().spend(query), true),
    sql: () => Promise.reject(new SqlRefused('this store has no SQL')),
    eraseOpenings: (position) => ask('erase', () => tables().eraseOpenings(position)),
    close: () => Promise.resolve(),
  };
}
