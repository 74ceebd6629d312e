import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { Fault } from '@countersign/kernel';
import type { StateChanges, StateStore } from '@countersign/ports';
import { bytesOf, numberOf, textOf } from './columns.ts';

/** Marks our files (`CSST`): a log or anybody else's database is never taken for a cache that may be emptied. */
const APPLICATION_ID = 0x43535354;
/** Expired entries deleted with one save. */
const FORGOTTEN_MAX = 256;
/** Sorts after every key: no key contains it. */
const LAST = '\u{10FFFF}';

/**
 * Values stand in the order in which they came, and only their keys in an index: keys are hashes and payments are long,
 * so that ordered by key each look-up and each save would go to pages that are not in memory. A file whose values are
 * ordered by key works as well.
 */
const SCHEMA = `
CREATE TABLE entries (
  collection TEXT NOT NULL,
  key TEXT NOT NULL,
  value BLOB NOT NULL,
  expires_at_ms INTEGER,
  PRIMARY KEY (collection, key)
) STRICT;
CREATE INDEX entries_expiring ON entries (expires_at_ms) WHERE expires_at_ms IS NOT NULL;
`;

/**
 * Opens or creates a state store in a file of its own, or in memory for `:memory:`. A power cut may lose the last saves,
 * never half of one: they are in write-ahead logging without an fsync each, as the log itself has all of it.
 *
 * @throws Fault `state_unavailable` when the file is locked, damaged or not ours. It can be deleted: the fold then starts
 *   from the log's beginning.
 */
export function openStateStore(path: string): StateStore {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { timeout: 0 });
    prepare(database);
    return new SqliteStateStore(database);
  } catch (error) {
    database?.close();
    throw unavailable(`cannot open ${path}`, error);
  }
}

function prepare(database: DatabaseSync): void {
  // Keys are hashes, so that a save changes pages all over the file: several saves share one checkpoint, of 32 MiB.
  database.exec(`
    PRAGMA locking_mode = EXCLUSIVE;
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    PRAGMA trusted_schema = OFF;
    PRAGMA cache_size = -16384;
    PRAGMA wal_autocheckpoint = 8192;
  `);
  const application = numberOf(database.prepare('PRAGMA application_id').get(), 'application_id');
  if (application === APPLICATION_ID) return;
  const tables = numberOf(
    database.prepare('SELECT count(*) AS tables FROM sqlite_schema').get(),
    'tables',
  );
  if (application !== 0 || tables !== 0) throw new TypeError('the file is something else');
  database.exec(`BEGIN; ${SCHEMA} PRAGMA application_id = ${APPLICATION_ID}; COMMIT`);
}

class SqliteStateStore implements StateStore {
  readonly #database: DatabaseSync;
  readonly #get: StatementSync;
  readonly #newest: StatementSync;
  readonly #put: StatementSync;
  readonly #delete: StatementSync;
  readonly #forget: StatementSync;
  #isClosed = false;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#get = database.prepare('SELECT value FROM entries WHERE collection = ? AND key = ?');
    this.#newest = database.prepare(`
      SELECT key, value FROM entries WHERE collection = ? AND key >= ? AND key < ?
      ORDER BY key DESC LIMIT ?`);
    this.#put = database.prepare('INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?)');
    this.#delete = database.prepare('DELETE FROM entries WHERE collection = ? AND key = ?');
    this.#forget = database.prepare(`
      DELETE FROM entries WHERE (collection, key) IN
        (SELECT collection, key FROM entries WHERE expires_at_ms < ? LIMIT ${FORGOTTEN_MAX})`);
  }

  get(collection: string, key: string): Uint8Array | undefined {
    return this.#run(() => {
      const row = this.#get.get(collection, key);
      return row === undefined ? undefined : bytesOf(row, 'value');
    });
  }

  newest(
    collection: string,
    { prefix, below, max }: { prefix: string; below?: string; max: number },
  ): readonly { key: string; value: Uint8Array }[] {
    return this.#run(() => {
      const end = below ?? prefix + LAST;
      const rows = this.#newest.all(collection, prefix, end, max);
      return rows.map((row) => ({ key: textOf(row, 'key'), value: bytesOf(row, 'value') }));
    });
  }

  save({ puts, deletes, nowMs }: StateChanges): void {
    this.#transact(() => {
      for (const { collection, key } of deletes) this.#delete.run(collection, key);
      for (const { collection, key, value, expiresAtMs } of puts)
        this.#put.run(collection, key, value, expiresAtMs ?? null);
      this.#forget.run(nowMs);
    });
  }

  clear(): void {
    this.#transact(() => this.#database.exec('DELETE FROM entries'));
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#database.close();
  }

  #transact(work: () => void): void {
    this.#run(() => {
      this.#database.exec('BEGIN IMMEDIATE');
      try {
        work();
        this.#database.exec('COMMIT');
      } catch (error) {
        if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
        throw error;
      }
    });
  }

  #run<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw unavailable('the state store failed', error);
    }
  }
}

function unavailable(message: string, cause: unknown): Fault {
  return new Fault('state_unavailable', message, { retryable: false, cause });
}
