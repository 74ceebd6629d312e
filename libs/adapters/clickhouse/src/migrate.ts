import { readFileSync, readdirSync } from 'node:fs';
import type { ClickHouseClient } from '@clickhouse/client';
import { Fault, sha256Hex } from '@countersign/kernel';
import { type Engine, unavailable } from './engine.ts';

const FOLDER = new URL('../migrations/', import.meta.url);

/** A numbered file of statements that may be repeated, so that one that was cut short is simply run again. */
interface Migration {
  readonly version: number;
  readonly name: string;
  readonly digest: string;
  readonly statements: readonly string[];
}

/**
 * Brings the tables up to what this program knows, and ties them to one log.
 *
 * @throws Fault `event_store_foreign` (not retryable) for tables of another log, of a newer program, or changed by hand.
 */
export async function migrate(engine: Engine, logId: string): Promise<void> {
  const { writer } = engine;
  try {
    for (const statement of statementsOf(BOOK)) await writer.command({ query: statement });
    await claim(writer, logId);
    const applied = await appliedIn(writer);
    for (const migration of migrations()) {
      const digest = applied.get(migration.version);
      if (digest === migration.digest) continue;
      if (digest !== undefined) throw foreign(`${migration.name} was applied in another form`);
      await apply(writer, migration);
    }
    const newest = Math.max(0, ...applied.keys());
    if (newest > migrations().length) throw foreign(`migration ${newest} is not known here`);
    const own = engine.hasRoles ? 'server/auditor.sql' : 'in-process/files.sql';
    for (const statement of statementsOf(textOf(own))) await writer.command({ query: statement });
  } catch (error) {
    throw error instanceof Fault ? error : unavailable('the tables cannot be prepared', error);
  }
}

const BOOK = `
CREATE TABLE IF NOT EXISTS migrations (version UInt32, name String, digest String, at DateTime DEFAULT now())
  ENGINE = MergeTree ORDER BY version;
CREATE TABLE IF NOT EXISTS log (log_id String) ENGINE = MergeTree ORDER BY log_id;
`;

function migrations(): readonly Migration[] {
  return readdirSync(FOLDER)
    .filter((file) => file.endsWith('.sql'))
    .sort()
    .map((name) => {
      const text = textOf(name);
      return {
        version: Number(name.slice(0, 4)),
        name,
        digest: sha256Hex(text),
        statements: statementsOf(text),
      };
    });
}

function textOf(name: string): string {
  return readFileSync(new URL(name, FOLDER), 'utf8');
}

function statementsOf(text: string): readonly string[] {
  return text
    .split(/;\s*(?:\n|$)/)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');
}

/** Two recorders that start at once may both write the row; it says the same. */
async function claim(client: ClickHouseClient, logId: string): Promise<void> {
  const owners = await rowsOf<{ log_id: string }>(client, 'SELECT DISTINCT log_id FROM log');
  if (owners.some(({ log_id }) => log_id !== logId))
    throw foreign('the tables belong to another log');
  if (owners.length === 0)
    await client.insert({ table: 'log', values: [[logId]], format: 'JSONCompactEachRow' });
}

async function appliedIn(client: ClickHouseClient): Promise<ReadonlyMap<number, string>> {
  const rows = await rowsOf<{ version: number; digest: string }>(
    client,
    'SELECT version, digest FROM migrations',
  );
  return new Map(rows.map(({ version, digest }) => [version, digest]));
}

async function apply(client: ClickHouseClient, migration: Migration): Promise<void> {
  for (const statement of migration.statements) await client.command({ query: statement });
  const { version, name, digest } = migration;
  await client.insert({
    table: 'migrations',
    columns: ['version', 'name', 'digest'],
    values: [[version, name, digest]],
    format: 'JSONCompactEachRow',
  });
}

async function rowsOf<Row>(client: ClickHouseClient, query: string): Promise<readonly Row[]> {
  const answer = await client.query({ query, format: 'JSONEachRow' });
  return answer.json<Row>();
}

function foreign(message: string): Fault {
  return new Fault('event_store_foreign', message, { retryable: false });
}
