import {
  type ClickHouseClient,
  type ClickHouseSettings,
  SettingsMap,
  createClient,
} from '@clickhouse/client';
import { Fault } from '@countersign/kernel';

type Connection = NonNullable<NonNullable<Parameters<typeof createClient>[0]>['connection']>;

/** Where the tables are. */
export const DATABASE = 'countersign';

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
  close(): Promise<void>;
}

/**
 * The engine in this process, over a folder that it locks. The native library is loaded here and not before: it takes
 * some tenths of a second and 270 MB.
 *
 * @throws Fault `event_store_unavailable` where there is no library for the platform, or the folder is taken.
 */
export async function engineInProcess(folder: string): Promise<Engine> {
  const { createChdbConnection } = await loadLibrary();
  const open = async (): Promise<ClickHouseClient> => {
    // The library ships the types of its own copy of the client; `exactOptionalPropertyTypes` tells the two apart.
    const connection = createChdbConnection({ path: folder }) as unknown as Connection;
    const client = createClient({ connection });
    await client.command({ query: `CREATE DATABASE IF NOT EXISTS ${DATABASE}` });
    await client.command({ query: `USE ${DATABASE}` });
    return client;
  };
  try {
    return await engineOf(false, open, async (settings, filters) => {
      const client = await open();
      for (const [name, value] of Object.entries(settings))
        await client.command({ query: `SET ${name} = ${literal(value)}` });
      const map = Object.entries(filters).map((pair) => pair.map(literal).join(': '));
      await client.command({ query: `SET additional_table_filters = {${map.join(', ')}}` });
      // Last: from here on this connection takes no setting and writes nothing.
      await client.command({ query: 'SET readonly = 1' });
      return client;
    });
  } catch (cause) {
    throw unavailable(`the event store in ${folder} cannot be opened`, cause);
  }
}

/** A server at `url`, such as `http://user:password@clickhouse:8123`. */
export async function engineOnServer(url: string): Promise<Engine> {
  const plain = createClient({ url });
  try {
    await plain.command({ query: `CREATE DATABASE IF NOT EXISTS ${DATABASE}` });
  } catch (cause) {
    throw unavailable('the ClickHouse server does not answer as it should', cause);
  } finally {
    await plain.close();
  }
  const open = (settings: ClickHouseSettings = {}) =>
    Promise.resolve(createClient({ url, database: DATABASE, clickhouse_settings: settings }));
  return engineOf(true, open, (settings, filters) => {
    const additional_table_filters = SettingsMap.from(filters);
    return open({ ...settings, additional_table_filters, readonly: '1' });
  });
}

async function engineOf(
  hasRoles: boolean,
  open: () => Promise<ClickHouseClient>,
  guarded: Engine['guarded'],
): Promise<Engine> {
  const writer = await open();
  const reader = await open();
  return {
    hasRoles,
    writer,
    reader,
    guarded,
    close: async () => {
      await reader.close();
      await writer.close();
    },
  };
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
