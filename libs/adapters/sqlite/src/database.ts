import { randomUUID } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import { Fault, InvariantViolation, invariant } from '@countersign/kernel';
import { bigOf, numberOf, textOf } from './columns.ts';

/** Marks our files (`CSGN`), so that nobody else's database is taken for a store. */
const APPLICATION_ID = 0x4353474e;
const SCHEMA_VERSION = 1;
const SQLITE_BUSY = 5;

/** Lanes a payment id has digits for. */
const LANES_MAX = 10_000;

/** `traceparent` is neither written nor read: a file keeps the columns it was made with. */
const SCHEMA = `
CREATE TABLE meta (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  schema_version INTEGER NOT NULL,
  log_id TEXT NOT NULL,
  lane_count INTEGER NOT NULL,
  clock_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE records (
  sequence INTEGER PRIMARY KEY,
  lane TEXT NOT NULL,
  lane_offset INTEGER NOT NULL,
  stamp_ms INTEGER NOT NULL,
  key TEXT NOT NULL,
  bytes BLOB NOT NULL,
  traceparent TEXT,
  openings BLOB,
  UNIQUE (lane, lane_offset)
) STRICT;
CREATE TRIGGER records_stay BEFORE DELETE ON records
  BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;
CREATE TRIGGER records_keep BEFORE UPDATE OF
    sequence, lane, lane_offset, stamp_ms, key, bytes, traceparent ON records
  BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;
CREATE TRIGGER openings_only_go BEFORE UPDATE OF openings ON records WHEN NEW.openings IS NOT NULL
  BEGIN SELECT RAISE(ABORT, 'openings can only be erased'); END;

CREATE TABLE tenants (tenant TEXT PRIMARY KEY, sequence INTEGER NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE payments (
  id INTEGER PRIMARY KEY,
  tenant TEXT NOT NULL,
  payment_id TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('none', 'open', 'committed', 'released')),
  amount INTEGER NOT NULL CHECK (amount >= 0),
  counters TEXT NOT NULL,
  attempt_round INTEGER,
  attempt_through INTEGER,
  answer TEXT,
  inputs TEXT,
  spent_at_ms INTEGER,
  UNIQUE (tenant, payment_id)
) STRICT;

CREATE TABLE counters (
  id INTEGER PRIMARY KEY,
  tenant TEXT NOT NULL,
  scope TEXT NOT NULL,
  open_amount INTEGER NOT NULL CHECK (open_amount >= 0),
  open_count INTEGER NOT NULL CHECK (open_count >= 0),
  spent_amount INTEGER NOT NULL CHECK (spent_amount >= 0),
  spent_count INTEGER NOT NULL CHECK (spent_count >= 0),
  UNIQUE (tenant, scope)
) STRICT;

CREATE TABLE spent (
  counter INTEGER NOT NULL REFERENCES counters (id),
  level INTEGER NOT NULL,
  bucket INTEGER NOT NULL,
  amount INTEGER NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY (counter, level, bucket)
) STRICT, WITHOUT ROWID;
`;

/** An open database of ours, locked for this process, and what was fixed at its creation. */
export interface OpenDatabase {
  readonly database: DatabaseSync;
  readonly durable: boolean;
  readonly logId: string;
  readonly laneCount: number;
  /** Highest time the store had seen when it was last written. */
  readonly clockMs: number;
}

export interface DatabaseOptions {
  /** A file in a directory that exists, or `:memory:` for a store that ends with its process. */
  readonly path: string;
  /** Fixed at the creation of the log. */
  readonly laneCount: number;
  /** Identity of a log created now; random unless given. An existing log must have it. */
  readonly logId?: string | undefined;
}

/**
 * Opens or creates a store's file and locks it until it is closed or the process ends, however it ends.
 *
 * The lock is SQLite's exclusive locking mode: a POSIX record lock, so it needs a local file system, and this process
 * must not itself open and close the file by other means (POSIX drops a process's locks with any of its handles).
 *
 * @throws Fault `store_locked`, `store_foreign`, `lane_count_changed`, `log_changed` or `log_unavailable`.
 */
export function openDatabase(options: DatabaseOptions): OpenDatabase {
  const { laneCount } = options;
  invariant(
    Number.isInteger(laneCount) && laneCount >= 1 && laneCount <= LANES_MAX,
    `not a lane count: ${laneCount}`,
  );
  // SQLite takes these for a throw-away file and for a URI, which could switch off locks.
  invariant(options.path !== '' && !options.path.startsWith('file:'), 'not the path of a file');
  try {
    const database = new DatabaseSync(options.path, { timeout: 0 });
    try {
      return prepare(database, options);
    } catch (error) {
      database.close();
      throw error;
    }
  } catch (error) {
    throw asOpenFault(error, options.path);
  }
}

function prepare(database: DatabaseSync, options: DatabaseOptions): OpenDatabase {
  const durable = options.path !== ':memory:';
  const isNew = lock(database);
  const journal = textOf(database.prepare('PRAGMA journal_mode = WAL').get(), 'journal_mode');
  if (durable && journal !== 'wal') throw refusal('log_unavailable', `no WAL here, but ${journal}`);
  // The two fullfsync pragmas matter on macOS only, where a plain fsync leaves data in the drive's cache. Payment ids are
  // hashes, so that a commit changes index pages all over the file: they stay in memory, and many commits share one
  // checkpoint, of 32 MiB.
  database.exec(`
    PRAGMA synchronous = FULL;
    PRAGMA fullfsync = ON;
    PRAGMA checkpoint_fullfsync = ON;
    PRAGMA foreign_keys = ON;
    PRAGMA trusted_schema = OFF;
    PRAGMA cache_size = -16384;
    PRAGMA wal_autocheckpoint = 8192;
  `);
  if (isNew) create(database, options);
  return { database, durable, ...readMeta(database, options) };
}

/** Takes the lock and refuses a file that is not ours before anything in it is touched. */
function lock(database: DatabaseSync): boolean {
  database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  const application = numberOf(database.prepare('PRAGMA application_id').get(), 'application_id');
  const tables = numberOf(
    database.prepare('SELECT count(*) AS tables FROM sqlite_schema').get(),
    'tables',
  );
  database.exec('COMMIT');
  if (application === APPLICATION_ID) return false;
  if (application !== 0 || tables !== 0)
    throw refusal('store_foreign', 'the file is a database of something else');
  return true;
}

function create(database: DatabaseSync, options: DatabaseOptions): void {
  database.exec(`BEGIN IMMEDIATE; PRAGMA application_id = ${APPLICATION_ID}; ${SCHEMA}`);
  database
    .prepare('INSERT INTO meta VALUES (1, ?, ?, ?, 0)')
    .run(SCHEMA_VERSION, options.logId ?? randomUUID(), options.laneCount);
  database.exec('COMMIT');
}

function readMeta(database: DatabaseSync, options: DatabaseOptions) {
  const select = database.prepare('SELECT * FROM meta');
  select.setReadBigInts(true);
  const row = select.get();
  const version = Number(bigOf(row, 'schema_version'));
  if (version !== SCHEMA_VERSION)
    throw refusal(
      'store_foreign',
      `schema version ${version}; this program knows ${SCHEMA_VERSION}`,
    );
  const laneCount = Number(bigOf(row, 'lane_count'));
  if (laneCount !== options.laneCount)
    throw refusal('lane_count_changed', `the log has ${laneCount} lanes, not ${options.laneCount}`);
  const logId = textOf(row, 'log_id');
  if (options.logId !== undefined && logId !== options.logId)
    throw refusal('log_changed', `the log is ${logId}, not ${options.logId}`);
  return { logId, laneCount, clockMs: Number(bigOf(row, 'clock_ms')) };
}

function refusal(code: string, message: string): Fault {
  return new Fault(code, message, { retryable: false });
}

/** Why a store could not be opened, in terms of the port. */
export function asOpenFault(error: unknown, path: string): Error {
  if (error instanceof Fault || error instanceof InvariantViolation) return error;
  const busy = error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY;
  return busy
    ? new Fault('store_locked', `${path} is open in another process`, {
        retryable: true,
        cause: error,
      })
    : new Fault('log_unavailable', `cannot open ${path}`, { retryable: false, cause: error });
}
