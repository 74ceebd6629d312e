import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Limit, Reading } from '@countersign/contracts';
import { Fault, InvariantViolation, invariant } from '@countersign/kernel';
import type {
  AppendInput,
  Book,
  Bookings,
  Clock,
  LaneId,
  LogRecord,
  OpenReservation,
  Position,
  ReserveRequest,
  ReserveResult,
} from '@countersign/ports';
import { BudgetTables } from './budget-tables.ts';
import { type DatabaseOptions, type OpenDatabase, asOpenFault, openDatabase } from './database.ts';
import { LogTable } from './log-table.ts';

export interface StoreOptions extends DatabaseOptions {
  readonly clock: Clock;
}

/**
 * The log and the budgets in one file, as plain synchronous calls: what the group commit wraps, and what a
 * deterministic world calls directly. Each call that writes is one transaction, or joins the one around it; when it
 * returns, it is durable (on a file).
 *
 * Time is the highest the clock has ever shown, over restarts too.
 *
 * Any error that is not a refusal of ours (a full disk, a failed fsync, a damaged page) is fatal: the transaction is
 * undone, and every later call throws Fault `log_unavailable`. Nothing is tried again.
 */
export class SyncStore {
  readonly durable: boolean;
  readonly logId: string;
  readonly laneCount: number;
  readonly #database: DatabaseSync;
  readonly #clock: Clock;
  readonly #log: LogTable;
  readonly #budgets: BudgetTables;
  readonly #saveClock: StatementSync;
  readonly #committed: (() => void)[] = [];
  readonly #died: ((fault: Fault) => void)[] = [];
  #clockMs: number;
  #savedClockMs: number;
  #isWriting = false;
  /** Whether the next commit is followed by an fsync, as the database stands. */
  #isSynced = true;
  #isClosed = false;
  #death: Fault | undefined;

  /** Takes over an open database; use {@link openSyncStore}. */
  constructor(open: OpenDatabase, clock: Clock) {
    this.durable = open.durable;
    this.logId = open.logId;
    this.laneCount = open.laneCount;
    this.#database = open.database;
    this.#clock = clock;
    this.#clockMs = this.#savedClockMs = open.clockMs;
    this.#log = new LogTable(open.database, open.laneCount);
    this.#budgets = new BudgetTables(open.database);
    this.#saveClock = open.database.prepare('UPDATE meta SET clock_ms = ?');
  }

  appendNow(records: readonly AppendInput[]): readonly Position[] {
    return this.transact(() => this.#log.append(records, this.#tick()));
  }

  readNow(lane: LaneId, offset: number, max: number, maxBytes?: number): readonly LogRecord[] {
    return this.#read(() => this.#log.read(lane, offset, max, maxBytes));
  }

  endNow(lane: LaneId): number {
    return this.#read(() => this.#log.end(lane));
  }

  /**
   * Erases a record's openings, in the file and in its write-ahead log; what was hashed stays. Idempotent.
   *
   * @throws InvariantViolation when there is no such record.
   */
  eraseOpeningsNow(position: Position): void {
    invariant(!this.#isWriting, 'an erasure is a transaction of its own');
    this.#read(() => this.#database.exec('PRAGMA secure_delete = ON'));
    try {
      this.transact(() => this.#log.eraseOpenings(position));
    } finally {
      this.#read(() =>
        this.#database.exec('PRAGMA secure_delete = OFF; PRAGMA wal_checkpoint(TRUNCATE)'),
      );
    }
  }

  reserveNow(request: ReserveRequest): ReserveResult {
    return this.transact(() => this.#budgets.reserve(request, this.#tick()));
  }

  commitNow(book: Book, paymentId: string, spentAtMs: number): void {
    this.transact(() => this.#budgets.commit(book, paymentId, spentAtMs, this.#tick()));
  }

  releaseNow(book: Book, paymentId: string): void {
    this.transact(() => this.#budgets.release(book, paymentId, this.#tick()));
  }

  readingsNow(book: Book, limits: readonly Limit[]): readonly Reading[] {
    return this.#read(() => this.#budgets.readings(book, limits, this.#tick()));
  }

  openNow(book: Book): readonly OpenReservation[] {
    return this.#read(() => this.#budgets.open(book));
  }

  rebuildNow(book: Book, bookings: Bookings): 'opened' | 'outrun' {
    return this.transact(() => {
      this.#clockMs = Math.max(this.#clockMs, bookings.atMs);
      return this.#budgets.rebuild(book, bookings, this.#tick());
    });
  }

  /**
   * Makes the calls within `work` one transaction. A refusal that escapes `work` undoes all of it; one that `work`
   * catches has written nothing, and the rest stands.
   *
   * @param options.synced false leaves the fsync to a later transaction: a power cut may then take this one back, but
   *   never without all that came after it.
   */
  transact<T>(work: () => T, { synced = true } = {}): T {
    this.#assertUsable();
    if (this.#isWriting) return work();
    this.#isWriting = true;
    let result: T;
    try {
      if (synced !== this.#isSynced) {
        this.#database.exec(`PRAGMA synchronous = ${synced ? 'FULL' : 'NORMAL'}`);
        this.#isSynced = synced;
      }
      this.#database.exec('BEGIN IMMEDIATE');
      result = work();
      if (this.#death) throw this.#death;
      this.#budgets.write();
      this.#keepClock();
      this.#database.exec('COMMIT');
    } catch (error) {
      throw this.#undo(error);
    } finally {
      this.#isWriting = false;
    }
    for (const listener of this.#committed) listener();
    return result;
  }

  /** Calls `listener` after each transaction. */
  onCommit(listener: () => void): void {
    this.#committed.push(listener);
  }

  /** Calls `listener` once, when the store has met a fatal error. */
  onDeath(listener: (fault: Fault) => void): void {
    this.#died.push(listener);
  }

  /** Closes the file and gives up its lock. Idempotent. */
  close(): void {
    if (this.#isClosed) return;
    invariant(!this.#isWriting, 'closed in the midst of a transaction');
    this.#isClosed = true;
    this.#database.close();
  }

  #read<T>(work: () => T): T {
    this.#assertUsable();
    try {
      return work();
    } catch (error) {
      throw isRefusal(error) ? error : this.#die(error);
    }
  }

  /** The store's time: the clock's, unless it went back. */
  #tick(): number {
    const nowMs = Math.floor(this.#clock.nowMs());
    invariant(Number.isSafeInteger(nowMs) && nowMs >= 0, `not a time: ${nowMs}`);
    this.#clockMs = Math.max(this.#clockMs, nowMs);
    return this.#clockMs;
  }

  #keepClock(): void {
    if (this.#clockMs === this.#savedClockMs) return;
    this.#saveClock.run(this.#clockMs);
    this.#savedClockMs = this.#clockMs;
  }

  #undo(error: unknown): unknown {
    if (!isRefusal(error)) return this.#die(error);
    if (this.#death) return this.#death;
    try {
      this.#database.exec('ROLLBACK');
      this.#log.forget();
      this.#budgets.drop();
      return error;
    } catch (second) {
      return this.#die(second);
    }
  }

  #die(cause: unknown): Fault {
    if (this.#death) return this.#death;
    const fault = unavailable('the store met a fatal error and must be opened anew', cause);
    this.#death = fault;
    try {
      this.#database.exec('ROLLBACK');
    } catch {
      // SQLite has often rolled back by itself; if it could not, opening the file anew does.
    }
    for (const listener of this.#died) listener(fault);
    return fault;
  }

  #assertUsable(): void {
    if (this.#death) throw this.#death;
    if (this.#isClosed) throw unavailable('the store is closed');
  }
}

/** Opens the store for synchronous use; see {@link openDatabase} for what may be refused. */
export function openSyncStore(options: StoreOptions): SyncStore {
  const open = openDatabase(options);
  try {
    return new SyncStore(open, options.clock);
  } catch (error) {
    open.database.close();
    throw asOpenFault(error, options.path);
  }
}

/** Whether an error is our answer to a bad call, thrown before anything was written. */
export function isRefusal(error: unknown): boolean {
  return error instanceof InvariantViolation || error instanceof Fault;
}

export function unavailable(message: string, cause?: unknown): Fault {
  return new Fault('log_unavailable', message, { retryable: true, cause });
}
