import { randomUUID } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { open as openFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import {
  type ClickHouseClient,
  type ClickHouseSettings,
  SettingsMap,
  createClient,
} from '@clickhouse/client';
import { Fault } from '@countersign/kernel';
import { rowsOf } from './select.ts';

type Connection = NonNullable<NonNullable<Parameters<typeof createClient>[0]>['connection']>;

/** Where the tables are. */
export const DATABASE = 'countersign';

/** Rows of one table, stored as one block or not at all. */
export interface Insert {
  readonly table: string;
  /** In the order of the block. */
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  /** In the format Native, in pieces. */
  readonly block: readonly Uint8Array[];
  readonly settings: ClickHouseSettings;
}

/** A ClickHouse engine: connections for inserts, for our own queries, and one for each query of a person. */
export interface Engine {
  /** Roles and quotas exist on a server only. */
  readonly hasRoles: boolean;
  readonly writer: ClickHouseClient;
  /** A second connection, so that a long query never holds up an insert. */
  readonly reader: ClickHouseClient;
  /**
   * A connection whose settings nobody can change any more; close it after one query.
   *
   * @param filters condition by table, which every reading of the table carries.
   */
  guarded(
    settings: ClickHouseSettings,
    filters: Readonly<Record<string, string>>,
  ): Promise<ClickHouseClient>;
  /** @param sent is called when the engine has the rows: what the caller does then, it does in the engine's time. */
  insert(rows: Insert, sent?: () => void): Promise<void>;
  /**
   * How many writes to a file have failed in this process: the engine in process counts them, and goes on as if they had
   * been done. A server refuses what it could not write, so there it is always 0.
   */
  failedWrites(): Promise<number>;
  close(): Promise<void>;
}

/** Beside the tables: blocks on their way in. What a killed process left there is removed with the next start. */
const BLOCKS = 'blocks';

/**
 * The engine in this process, over a folder that it locks. The native library is loaded here and not before: it takes
 * some tenths of a second and 270 MB.
 *
 * @throws Fault `event_store_unavailable` where there is no library for the platform, or the folder is taken.
 */
export async function engineInProcess(folder: string): Promise<Engine> {
  const { createChdbConnection } = await loadLibrary();
  const open = async (...statements: readonly string[]): Promise<ClickHouseClient> => {
    // The library ships the types of its own copy of the client; `exactOptionalPropertyTypes` tells the two apart.
    const connection = createChdbConnection({ path: folder }) as unknown as Connection;
    const client = createClient({ connection });
    // All at once: each command is a round through the library's threads.
    await client.command({ query: statements.join('; ') });
    return client;
  };
  const guarded: Engine['guarded'] = (settings, filters) => {
    const map = Object.entries(filters).map((pair) => pair.map(literal).join(': '));
    const set = `SET ${clauseOf(settings)}, additional_table_filters = {${map.join(', ')}}`;
    // Last: from here on this connection takes no setting and writes nothing.
    return open(set, `USE ${DATABASE}`, 'SET readonly = 1');
  };
  try {
    const make = [`CREATE DATABASE IF NOT EXISTS ${DATABASE}`, `USE ${DATABASE}`];
    const [writer, reader, besides] = [
      await open(...make),
      await open(...make),
      await open(...make),
    ];
    // Only now is the folder ours.
    const blocks = resolve(folder, BLOCKS);
    rmSync(blocks, { recursive: true, force: true });
    mkdirSync(blocks);
    let underWay = 0;
    // Emptied, and used again: a file system looks long for room for a file where many were removed of late.
    const files: string[] = [];
    const insert: Engine['insert'] = async (rows, sent) => {
      // A connection does one thing at a time.
      const connection = underWay === 0 ? writer : besides;
      underWay += 1;
      const file = files.pop() ?? join(blocks, randomUUID());
      try {
        await insertFromFile(connection, rows, file, sent);
      } finally {
        // Also after a failure: what is tried every few seconds would leave a file behind each time.
        files.push(file);
        underWay -= 1;
      }
    };
    const failedWrites = () => failedWritesOf(writer);
    const close = async () => {
      for (const client of [besides, reader, writer]) await client.close();
      rmSync(blocks, { recursive: true, force: true });
    };
    return { hasRoles: false, writer, reader, guarded, insert, failedWrites, close };
  } catch (cause) {
    throw unavailable(`the event store in ${folder} cannot be opened`, cause);
  }
}

/** A server at `url`, such as `http://user:password@clickhouse:8123`. */
export async function engineOnServer(url: string): Promise<Engine> {
  const plain = createClient({ url });
  try {
    // Who may not make a database is refused even where it is there.
    const found = await plain.query({
      query: `SELECT name FROM system.databases WHERE name = '${DATABASE}'`,
      format: 'JSONEachRow',
    });
    if ((await found.json()).length === 0)
      await plain.command({ query: `CREATE DATABASE IF NOT EXISTS ${DATABASE}` });
  } catch (cause) {
    throw unavailable('the ClickHouse server does not answer as it should', cause);
  } finally {
    await plain.close();
  }
  const open = (settings: ClickHouseSettings = {}) =>
    Promise.resolve(createClient({ url, database: DATABASE, clickhouse_settings: settings }));
  const [writer, reader] = [await open(), await open()];
  return {
    writer,
    reader,
    close: async () => {
      await reader.close();
      await writer.close();
    },
    hasRoles: true,
    guarded: (settings, filters) => {
      const additional_table_filters = SettingsMap.from(filters);
      return open({ ...settings, additional_table_filters, readonly: '1' });
    },
    insert: (rows, sent) => insertOverHttp(writer, rows, sent),
    failedWrites: () => Promise.resolve(0),
  };
}

/** Nothing is counted before the first. */
async function failedWritesOf(client: ClickHouseClient): Promise<number> {
  const [row] = await rowsOf<{ readonly count: number }>(
    client,
    `SELECT toFloat64(value) AS count FROM system.events WHERE event = 'WriteBufferFromFileDescriptorWriteFailed'`,
  );
  return row?.count ?? 0;
}

/** The library takes text only from memory, and a multiple of the time to read it. */
async function insertFromFile(
  writer: ClickHouseClient,
  { table, columns, block, settings }: Insert,
  path: string,
  sent?: () => void,
): Promise<void> {
  const list = listOf(columns);
  // Told, and not looked for: the engine would read the whole block for it.
  const structure = columns.map(({ name, type }) => `${name} ${type}`).join(', ');
  // A SELECT is stored under its name only where the engine is sure to get the same rows again; rather not at all.
  const clause = clauseOf({ ...settings, deduplicate_insert_select: 'force_enable' });
  // The engine takes braces for alternatives, and a question mark for any character.
  const pattern = path.replaceAll(/[{}]/g, '?');
  try {
    await writeBlock(path, block);
    const inserted = writer.command({
      query: `INSERT INTO ${table} (${list}) SETTINGS ${clause} SELECT ${list} FROM file(${literal(pattern)}, 'Native', ${literal(structure)})`,
    });
    sent?.();
    await inserted;
  } finally {
    await writeFile(path, '', { mode: 0o600 });
  }
}

/** At once: a column or two at a time, each would wait its turn among the library's threads. */
async function writeBlock(path: string, block: readonly Uint8Array[]): Promise<void> {
  const file = await openFile(path, 'w', 0o600);
  try {
    const { bytesWritten } = await file.writev(block);
    const size = block.reduce((sum, { length }) => sum + length, 0);
    if (bytesWritten !== size) throw new Error(`${bytesWritten} of ${size} bytes were written`);
  } finally {
    await file.close();
  }
}

async function insertOverHttp(
  writer: ClickHouseClient,
  { table, columns, block, settings }: Insert,
  sent?: () => void,
): Promise<void> {
  const answer = writer.exec({
    query: `INSERT INTO ${table} (${listOf(columns)}) SETTINGS ${clauseOf(settings)} FORMAT Native`,
    values: Readable.from(block, { objectMode: false }),
  });
  sent?.();
  const { stream } = await answer;
  stream.resume();
  await finished(stream);
}

function listOf(columns: Insert['columns']): string {
  return columns.map(({ name }) => name).join(', ');
}

function clauseOf(settings: Readonly<Record<string, unknown>>): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name} = ${literal(value)}`)
    .join(', ');
}

async function loadLibrary() {
  try {
    return await import('chdb/connection');
  } catch (cause) {
    throw unavailable('chDB does not run on this platform', cause, false);
  }
}

export function unavailable(message: string, cause: unknown, retryable = true): Fault {
  return new Fault('event_store_unavailable', message, { retryable, cause });
}

/** A value as SQL has it. */
export function literal(value: unknown): string {
  return typeof value === 'string'
    ? `'${value.replaceAll(/[\\']/g, String.raw`\$&`)}'`
    : String(value);
}
