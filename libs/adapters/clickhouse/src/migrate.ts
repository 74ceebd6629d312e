import { readFileSync, readdirSync } from 'node:fs';
import { type ClickHouseClient, createClient } from '@clickhouse/client';
import { Fault, sha256Hex } from '@countersign/kernel';
import { DATABASE, type Engine, engineOnServer, unavailable } from './engine.ts';
import { rowsOf } from './select.ts';

const FOLDER = new URL('../migrations/', import.meta.url);
/** What is noted of the file that only one kind of engine takes: it is not of the order, and may come in another form. */
const OWN_VERSION = 0;
/** Applied to a server with every migration. */
export const SERVER = 'server/auditor.sql';

/** A numbered file of statements that may be repeated, so that one that was cut short is simply run again. */
interface Migration {
  readonly version: number;
  readonly name: string;
  readonly digest: string;
  readonly statements: readonly string[];
}

/**
 * Brings the tables up to what this program knows, and ties them to one log. Where nothing is missing, nothing is asked for
 * that only somebody who may change tables is allowed.
 *
 * @throws Fault `event_store_foreign` (not retryable) for tables of another log, of a newer program, or changed by hand.
 */
export async function migrate(engine: Engine, logId: string): Promise<void> {
  const { writer } = engine;
  try {
    const lacking = await lackingIn(engine);
    if (lacking.length > 0) await makeBook(writer);
    await claim(writer, logId);
    for (const migration of lacking) await apply(writer, migration);
  } catch (error) {
    throw notPrepared(error);
  }
}

/**
 * Names of the migrations that a server lacks; changes nothing.
 *
 * @param url such as `http://user:password@clickhouse:8123`
 * @throws Fault `event_store_unavailable`; `event_store_foreign` for tables of a newer program, or changed by hand.
 */
export async function planTables(url: string): Promise<readonly string[]> {
  const client = createClient({ url });
  try {
    return (await lackingIn({ reader: client, hasRoles: true })).map(({ name }) => name);
  } catch (error) {
    throw notPrepared(error);
  } finally {
    await client.close();
  }
}

/**
 * Makes what {@link planTables} finds missing, as somebody who may; the log that the tables belong to is noted by the
 * recorder that fills them.
 *
 * @returns names of the migrations that were run
 * @throws Fault as {@link planTables}
 */
export async function applyTables(url: string): Promise<readonly string[]> {
  const engine = await engineOnServer(url);
  try {
    const lacking = await lackingIn(engine);
    await makeBook(engine.writer);
    for (const migration of lacking) await apply(engine.writer, migration);
    return lacking.map(({ name }) => name);
  } catch (error) {
    throw notPrepared(error);
  } finally {
    await engine.close();
  }
}

const BOOK = `
CREATE TABLE IF NOT EXISTS migrations (version UInt32, name String, digest String, at DateTime DEFAULT now())
  ENGINE = MergeTree ORDER BY version;
CREATE TABLE IF NOT EXISTS log (log_id String) ENGINE = MergeTree ORDER BY log_id;
`;

async function makeBook(client: ClickHouseClient): Promise<void> {
  for (const statement of statementsOf(BOOK)) await client.command({ query: statement });
}

/** What has not been applied, in order. */
async function lackingIn({
  reader,
  hasRoles,
}: Pick<Engine, 'reader' | 'hasRoles'>): Promise<readonly Migration[]> {
  const applied = await appliedIn(reader);
  const known = migrations();
  const isApplied = ({ version, digest }: Migration) =>
    applied.some((it) => it.version === version && it.digest === digest);
  const lacking = known.filter((it) => !isApplied(it));
  for (const { version, name } of lacking)
    if (applied.some((it) => it.version === version))
      throw foreign(`${name} was applied in another form`);
  const newest = Math.max(0, ...applied.map(({ version }) => version));
  if (newest > known.length) throw foreign(`migration ${newest} is not known here`);
  const own = migrationOf(OWN_VERSION, hasRoles ? SERVER : 'in-process/files.sql');
  // A migration may have made anew what it alters.
  return lacking.length === 0 && isApplied(own) ? [] : [...lacking, own];
}

function migrations(): readonly Migration[] {
  return readdirSync(FOLDER)
    .filter((file) => file.endsWith('.sql'))
    .sort()
    .map((name) => migrationOf(Number(name.slice(0, 4)), name));
}

function migrationOf(version: number, name: string): Migration {
  const text = textOf(name);
  return { version, name, digest: sha256Hex(text), statements: statementsOf(text) };
}

/** @param name of a file of migrations. */
export function statementsIn(name: string): readonly string[] {
  return statementsOf(textOf(name));
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

/** By their whole names: there may be no such database. */
async function appliedIn(
  client: ClickHouseClient,
): Promise<readonly { readonly version: number; readonly digest: string }[]> {
  const book = await rowsOf(
    client,
    `SELECT name FROM system.tables WHERE database = '${DATABASE}' AND name IN ('migrations', 'log')`,
  );
  if (book.length < 2) return [];
  return rowsOf(client, `SELECT version, digest FROM ${DATABASE}.migrations`);
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

function notPrepared(error: unknown): Fault {
  return error instanceof Fault ? error : unavailable('the tables cannot be prepared', error);
}

function foreign(message: string): Fault {
  return new Fault('event_store_foreign', message, { retryable: false });
}
