import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { Fault } from '@countersign/kernel';
import type { Book } from '@countersign/ports';
import { numberOf } from './columns.ts';

/**
 * Which epoch each tenant's counters are of, and how many answers it has given. A tenant without a row is in epoch 0: the
 * counters share the file, and so the fate, of the log, and are made anew only when somebody asks for it.
 */
export class Epochs {
  readonly #find: StatementSync;
  readonly #put: StatementSync;
  readonly #next: StatementSync;
  readonly #forget: StatementSync;

  constructor(database: DatabaseSync) {
    // A file of the first version has no such table; that version, given the file back, ignores it.
    database.exec(`CREATE TABLE IF NOT EXISTS epochs (
      tenant TEXT PRIMARY KEY, epoch INTEGER NOT NULL) STRICT, WITHOUT ROWID`);
    this.#find = database.prepare('SELECT epoch FROM epochs WHERE tenant = ?');
    this.#put = database.prepare(
      'INSERT INTO epochs VALUES (?, ?) ON CONFLICT DO UPDATE SET epoch = excluded.epoch',
    );
    this.#next = database.prepare(`
      INSERT INTO tenants VALUES (?, 1) ON CONFLICT DO UPDATE SET sequence = sequence + 1
      RETURNING sequence`);
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
    return true;
  }

  nextSequence(tenant: string): number {
    return numberOf(this.#next.get(tenant), 'sequence');
  }

  #epochOf(tenant: string): number {
    const row = this.#find.get(tenant);
    return row === undefined ? 0 : numberOf(row, 'epoch');
  }
}
