import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { Fault } from '@countersign/kernel';
import type { Book } from '@countersign/ports';
import { numberOf } from './columns.ts';

/** Tenants kept in memory between two transactions. */
const CACHED_MAX = 10_000;

/**
 * Which epoch each tenant's counters are of, and how many answers it has given. A tenant without a row is in epoch 0: the
 * counters share the file, and so the fate, of the log, and are made anew only when somebody asks for it. Both are kept
 * in memory, and the number of answers is written once per transaction.
 */
export class Epochs {
  readonly #find: StatementSync;
  readonly #put: StatementSync;
  readonly #given: StatementSync;
  readonly #give: StatementSync;
  readonly #forget: StatementSync;
  /** By tenant, as the file has them. */
  readonly #epochs = new Map<string, number>();
  /** By tenant: answers given, also in this transaction. */
  readonly #sequences = new Map<string, number>();
  /** Tenants whose answers are not written yet. */
  readonly #answered = new Set<string>();

  constructor(database: DatabaseSync) {
    // A file of the first version has no such table; that version, given the file back, ignores it.
    database.exec(`CREATE TABLE IF NOT EXISTS epochs (
      tenant TEXT PRIMARY KEY, epoch INTEGER NOT NULL) STRICT, WITHOUT ROWID`);
    this.#find = database.prepare('SELECT epoch FROM epochs WHERE tenant = ?');
    this.#put = database.prepare(
      'INSERT INTO epochs VALUES (?, ?) ON CONFLICT DO UPDATE SET epoch = excluded.epoch',
    );
    this.#given = database.prepare('SELECT sequence FROM tenants WHERE tenant = ?');
    this.#give = database.prepare(
      'INSERT INTO tenants VALUES (?, ?) ON CONFLICT DO UPDATE SET sequence = excluded.sequence',
    );
    this.#forget = database.prepare('DELETE FROM tenants WHERE tenant = ?');
  }

  /** @throws Fault `budgets_lost` or `budgets_ahead` when the counters are of another epoch than the one named. */
  demand({ tenant, epoch }: Book): void {
    const known = this.#epochOf(tenant);
    if (known === epoch) return;
    const code = known < epoch ? 'budgets_lost' : 'budgets_ahead';
    throw new Fault(code, `${tenant}: the counters are of epoch ${known}, not ${epoch}`, {
      retryable: true,
    });
  }

  /** @returns false when the tenant is in this epoch, or a newer one, already. */
  open({ tenant, epoch }: Book): boolean {
    if (this.#epochOf(tenant) >= epoch) return false;
    this.#put.run(tenant, epoch);
    this.#forget.run(tenant);
    this.#epochs.set(tenant, epoch);
    this.#sequences.set(tenant, 0);
    return true;
  }

  nextSequence(tenant: string): number {
    const next = this.#sequenceOf(tenant) + 1;
    this.#sequences.set(tenant, next);
    this.#answered.add(tenant);
    return next;
  }

  /** Writes what changed. */
  write(): void {
    for (const tenant of this.#answered) this.#give.run(tenant, this.#sequenceOf(tenant));
    this.#answered.clear();
    if (this.#epochs.size > CACHED_MAX) this.drop();
  }

  /** Forgets what is in memory, changes too: the file says what stands. */
  drop(): void {
    this.#epochs.clear();
    this.#sequences.clear();
    this.#answered.clear();
  }

  #sequenceOf(tenant: string): number {
    const known = this.#sequences.get(tenant);
    if (known !== undefined) return known;
    const row = this.#given.get(tenant);
    return row === undefined ? 0 : numberOf(row, 'sequence');
  }

  #epochOf(tenant: string): number {
    const known = this.#epochs.get(tenant);
    if (known !== undefined) return known;
    const row = this.#find.get(tenant);
    const epoch = row === undefined ? 0 : numberOf(row, 'epoch');
    this.#epochs.set(tenant, epoch);
    return epoch;
  }
}
