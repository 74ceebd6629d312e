import { Fault, InvariantViolation, invariant } from '@countersign/kernel';
import {
  type ArchiveBatch,
  type Archived,
  type Cut,
  type EventQuery,
  type EventStore,
  type Position,
  type SpendQuery,
  type SqlAnswer,
  SqlRefused,
} from '@countersign/ports';
import {
  type Engine,
  type Insert,
  engineInProcess,
  engineOnServer,
  unavailable,
} from './engine.ts';
import { LostWrites } from './lost-writes.ts';
import { type Column, blockOf } from './native.ts';
import { RecordsLacking, archivedIn, gapBefore, readBack, sizeIn } from './cuts.ts';
import {
  CUT_COLUMNS,
  OPENING_COLUMNS,
  RECORD_COLUMNS,
  firstLeaf,
  openingRows,
  recordRows,
  sumOfBytes,
} from './rows.ts';
import { leaves, paymentColumns, search } from './search.ts';
import { PersonsQueries, type SqlLimits } from './persons-queries.ts';
import { spend } from './spend.ts';
import { allowedFunctions } from './sql-gate.ts';

export type ClickHouseOptions = {
  /** Identity of the log whose records are stored; tables of another log are refused. */
  readonly logId: string;
} & (
  | { readonly url: string }
  /** The engine runs in this process and locks the folder. */
  | { readonly folder: string }
);

/**
 * Opens the event store and brings its tables up to date.
 *
 * @throws Fault `event_store_unavailable` or `event_store_foreign`.
 * @throws Fault `event_store_emptied` (retryable) where the engine in process had not kept what it took: opened again, it is
 * empty.
 */
export async function openEventStore(
  options: ClickHouseOptions,
  limits: Partial<SqlLimits> = {},
): Promise<EventStore> {
  const engine =
    'url' in options ? await engineOnServer(options.url) : await engineInProcess(options.folder);
  try {
    const lost = await LostWrites.open(engine, options.logId);
    const functions = await allowedFunctions(engine.reader);
    const queries = new PersonsQueries(engine, functions, limits);
    return new ClickHouseEventStore(engine, options.logId, { queries, lost });
  } catch (error) {
    await engine.close();
    throw asFault(error);
  }
}

/** What one cut adds to one table. */
interface Rows<Row> {
  readonly table: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
}

class ClickHouseEventStore implements EventStore {
  readonly #engine: Engine;
  readonly #logId: string;
  readonly #queries: PersonsQueries;
  readonly #lost: LostWrites;
  readonly #running = new Set<Promise<unknown>>();
  /** So many records are there at least; another recorder may have added more. */
  #size = 0;
  #turns: Promise<unknown> = Promise.resolve();
  #closed: Promise<void> | undefined;

  constructor(
    engine: Engine,
    logId: string,
    { queries, lost }: { readonly queries: PersonsQueries; readonly lost: LostWrites },
  ) {
    this.#engine = engine;
    this.#logId = logId;
    this.#queries = queries;
    this.#lost = lost;
    if (!engine.hasRoles) process.on('exit', this.#leave);
  }

  archived(): Promise<Archived> {
    // Not where a long query of ours may be under way: a cut waits for its turn.
    return this.#inTurn(async ({ writer }) => {
      await this.#lost.refuse();
      const archived = await archivedIn(writer);
      this.#size = archived.treeSize;
      return archived;
    });
  }

  archive(batch: ArchiveBatch): Promise<void> {
    const { cut, records } = batch;
    const fits = records.every(
      ({ record }, index) => record.lane === cut.lane && record.offset === cut.from + index,
    );
    invariant(fits && records.length === cut.to - cut.from, 'the records are not those of the cut');
    return this.#inTurn(async ({ writer, hasRoles }) => {
      try {
        // A server's tables may be emptied by others.
        if (hasRoles || firstLeaf(cut) > this.#size) this.#size = await sizeIn(writer);
        if (firstLeaf(cut) > this.#size) throw gapBefore(cut, this.#size);
        await this.#store(batch);
      } catch (error) {
        // What is read back may be what could not be written, and tables that are gone those of an emptying that was cut short.
        await this.#lost.refuse();
        if (error instanceof RecordsLacking) await this.#lost.refuseFor(error);
        throw error;
      }
      await this.#lost.refuseAfterCut();
      this.#size = Math.max(this.#size, cut.treeSize);
    });
  }

  leaves(from: number, to: number) {
    return this.#run(({ reader }) => leaves(reader, from, to));
  }

  columnsOf(paymentIds: readonly string[]) {
    return this.#run(({ reader }) => paymentColumns(reader, paymentIds));
  }

  search(query: EventQuery) {
    return this.#run(({ reader }) => search(reader, query, this.#size));
  }

  spend(query: SpendQuery) {
    return this.#run(({ reader }) => spend(reader, query));
  }

  sql(tenant: string, text: string): Promise<SqlAnswer> {
    return this.#run(() => this.#queries.answer(tenant, text));
  }

  eraseOpenings({ lane, offset }: Position): Promise<void> {
    return this.#run(async ({ writer }) => {
      await writer.command({
        query: `ALTER TABLE openings DELETE WHERE lane = {lane:String} AND lane_offset = {offset:UInt64}`,
        query_params: { lane, offset },
        clickhouse_settings: { mutations_sync: '2' },
      });
    });
  }

  close(): Promise<void> {
    this.#closed ??= Promise.allSettled(this.#running)
      .then(() => this.#engine.close())
      .finally(() => {
        if (!this.#queries.isBusy) process.off('exit', this.#leave);
      });
    return this.#closed;
  }

  /**
   * An exit takes the engine in this process apart while its threads work: it crashes, or waits for itself for ever. What
   * was under way is lost either way, and inserted again.
   */
  readonly #leave = (): void => {
    if (this.#running.size > 0 || this.#queries.isBusy) process.kill(process.pid, 'SIGKILL');
  };

  async #store(batch: ArchiveBatch): Promise<void> {
    const { cut } = batch;
    const rows = recordRows(batch);
    const { promise: sent, resolve } = Promise.withResolvers<void>();
    const inserted = this.#insert(
      cut,
      { table: 'records', columns: RECORD_COLUMNS, rows },
      resolve,
    );
    // The rest is got ready while the engine works at the records.
    const rest = Promise.race([sent, inserted]).then(() => {
      const openings = openingRows(batch);
      const texts =
        openings.length > 0
          ? this.#insert(cut, { table: 'openings', columns: OPENING_COLUMNS, rows: openings })
          : undefined;
      return { texts, sum: sumOfBytes(rows) };
    });
    const ends = await Promise.allSettled([
      Promise.all([rest, inserted]).then(([{ sum }]) => readBack(this.#engine.writer, cut, sum)),
      rest.then(({ texts }) => texts),
    ]);
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
    await this.#insert(cut, { table: 'cuts', columns: CUT_COLUMNS, rows: [batch] });
  }

  /** One cut is one block under one name, in the table and in every rollup. */
  #insert<Row>(
    { lane, from, to }: Cut,
    { table, columns, rows }: Rows<Row>,
    sent?: () => void,
  ): Promise<void> {
    const insert: Insert = {
      table,
      columns,
      block: blockOf(columns, rows),
      settings: {
        insert_deduplication_token: `${this.#logId}:${lane}:${from}-${to}`,
        // Otherwise a repeated insert that the table drops would still be added to the rollups.
        deduplicate_blocks_in_dependent_materialized_views: 1,
        parallel_view_processing: 1,
        async_insert: 0,
        // The whole cut is one block, however many rows it has.
        max_insert_block_size: '1048576',
        min_insert_block_size_rows: '1048576',
        min_insert_block_size_bytes: '0',
      },
    };
    return this.#engine.insert(insert, sent);
  }

  /** One after the other, so that nothing is emptied in the midst of a cut. */
  #inTurn<T>(work: (engine: Engine) => Promise<T>): Promise<T> {
    return this.#run((engine) => {
      const done = this.#turns
        .then(() => work(engine))
        .catch((error: unknown) => {
          // How far the store goes then is not known.
          this.#size = 0;
          throw error;
        });
      this.#turns = Promise.allSettled([done]);
      return done;
    });
  }

  async #run<T>(work: (engine: Engine) => Promise<T>): Promise<T> {
    if (this.#closed) throw unavailable('the event store is closed', undefined);
    const running = work(this.#engine);
    this.#running.add(running);
    try {
      return await running;
    } catch (error) {
      throw asFault(error);
    } finally {
      this.#running.delete(running);
    }
  }
}

function asFault(error: unknown): Error {
  if (error instanceof Fault || error instanceof SqlRefused) return error;
  if (error instanceof InvariantViolation || error instanceof TypeError) return error;
  return unavailable('the event store does not answer as it should', error);
}
