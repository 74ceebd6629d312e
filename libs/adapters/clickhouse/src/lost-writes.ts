import type { ClickHouseClient } from '@clickhouse/client';
import { Fault } from '@countersign/kernel';
import { DATABASE, type Engine, unavailable } from './engine.ts';
import { migrate } from './migrate.ts';
import { rowsOf } from './select.ts';

/**
 * Notices what the engine in this process took and did not keep. chDB 3.4 goes on after a failed `write` as if it had been
 * done: a full disk leaves a table's part cut short under the name of its cut, and the cut stored again is dropped as a repeat.
 * Nothing tells which part it was, so the store is emptied, and filled again from the log (ADR 0025).
 */
export class LostWrites {
  readonly #engine: Engine;
  readonly #logId: string;
  /** As many had failed when the tables were last known to hold everything. */
  #failedBefore: number;
  /** After a crash a cut may be there in part, so that only the one stored after an opening tells whether sums fit exactly. */
  #isCompared = false;
  /** Begun, and not ended: what is left of the tables is nothing to go on from. */
  #isEmptying = false;

  private constructor(engine: Engine, logId: string, failedBefore: number) {
    this.#engine = engine;
    this.#logId = logId;
    this.#failedBefore = failedBefore;
  }

  /**
   * Brings the tables up to date, and looks whether they hold what they took.
   *
   * @throws Fault `event_store_emptied` where they did not; they are empty now, and can be opened.
   * @throws Fault `event_store_unavailable`, or `event_store_foreign` as {@link migrate}.
   */
  static async open(engine: Engine, logId: string): Promise<LostWrites> {
    const lost = new LostWrites(engine, logId, await engine.failedWrites());
    await migrate(engine, logId);
    if (engine.hasRoles) return lost;
    const lack = (await brokenParts(engine.writer)) ?? lackOf(await sumsOf(engine.writer));
    if (lack !== undefined) throw await lost.#emptied(lack);
    await lost.refuse();
    return lost;
  }

  /**
   * @throws Fault `event_store_emptied` where a write has failed since the last look; the tables are empty now.
   * @throws Fault `event_store_unavailable` where they could not be emptied either: the next look tries again.
   */
  async refuse(): Promise<void> {
    const failed = (await this.#engine.failedWrites()) - this.#failedBefore;
    if (failed > 0 || this.#isEmptying)
      throw await this.#emptied(`${failed} of the engine's writes failed`);
  }

  /**
   * As {@link refuse}, for what was found to lack otherwise. On a server nothing is emptied.
   *
   * @throws Fault as {@link refuse}
   */
  async refuseFor(lack: Error): Promise<void> {
    if (!this.#engine.hasRoles) throw await this.#emptied(lack.message);
  }

  /**
   * As {@link refuse}, after a cut was stored: the first one after an opening may have been there in part.
   *
   * @throws Fault as {@link refuse}
   */
  async refuseAfterCut(): Promise<void> {
    if (!this.#isCompared && !this.#engine.hasRoles) {
      const sums = await sumsOf(this.#engine.writer);
      const lack = lackOf(sums) ?? surplusOf(sums);
      if (lack !== undefined) throw await this.#emptied(lack);
      this.#isCompared = true;
    }
    await this.refuse();
  }

  async #emptied(why: string): Promise<Fault> {
    const { writer } = this.#engine;
    this.#isEmptying = true;
    const failedBefore = await this.#engine.failedWrites();
    for (const query of [
      // After a crash some of the tables are left: they count for nothing, and what lacks is made.
      `TRUNCATE TABLE IF EXISTS ${DATABASE}.cuts`,
      `DROP TABLE IF EXISTS ${DATABASE}.migrations SYNC`,
      `DROP DATABASE IF EXISTS ${DATABASE} SYNC`,
      `CREATE DATABASE ${DATABASE}`,
    ])
      await writer.command({ query });
    await migrate(this.#engine, this.#logId);
    if ((await this.#engine.failedWrites()) !== failedBefore)
      return unavailable(`the event store cannot be made anew: ${why}`, undefined);
    this.#failedBefore = failedBefore;
    [this.#isCompared, this.#isEmptying] = [false, false];
    return new Fault(
      'event_store_emptied',
      `the event store did not hold all it had taken, and is filled again from the log: ${why}`,
      { retryable: true },
    );
  }
}

/** What the engine found cut short when it opened the tables, and put aside. */
async function brokenParts(client: ClickHouseClient): Promise<string | undefined> {
  const [found] = await rowsOf<{ readonly parts: number; readonly tables: readonly string[] }>(
    client,
    `SELECT toFloat64(count()) AS parts, groupUniqArray(table) AS tables FROM system.detached_parts
     WHERE database = '${DATABASE}' AND startsWith(reason, 'broken')`,
  );
  if (!found || found.parts === 0) return undefined;
  return `broken parts of ${found.tables.toSorted().join(', ')}`;
}

/** Of the whole cuts; rollups may already hold the one that was under way. */
interface Sums {
  readonly size: number;
  readonly cut: number;
  readonly records: number;
  /** Of everything, whole cuts or not. */
  readonly rows: number;
  readonly settled: number;
  readonly byDay: number;
  readonly byReason: number;
}

async function sumsOf(client: ClickHouseClient): Promise<Sums> {
  const [sums] = await rowsOf<Sums>(
    client,
    `WITH (SELECT max(tree_size) FROM cuts) AS whole
     SELECT toFloat64(whole) AS size, toFloat64((SELECT sum(lane_to - lane_from) FROM cuts)) AS cut,
       toFloat64((SELECT count() FROM records)) + toFloat64((SELECT count() FROM openings)) AS rows,
       toFloat64(count()) AS records, toFloat64(countIf(event = 'settlement.final' AND ignored = '')) AS settled,
       toFloat64((SELECT sum(payments) FROM spend_by_day)) AS byDay,
       toFloat64((SELECT sum(payments) FROM spend_by_reason)) AS byReason
     FROM records WHERE leaf < whole`,
  );
  if (!sums) throw unavailable('the event store does not count its records', undefined);
  return sums;
}

function lackOf(sums: Sums): string | undefined {
  const { size, cut, records, rows, settled, byDay, byReason } = sums;
  // A crash in the midst of emptying, or of the very first cut. Tables know the names of so many blocks only.
  if (size === 0 && rows + byDay + byReason > 0) return 'rows of no cut';
  if (cut !== size || records !== size)
    return `${records} records, and cuts of ${cut}, where ${size} were stored`;
  if (byDay >= settled && byReason >= settled) return undefined;
  return `${byDay} and ${byReason} payments summed up of ${settled}`;
}

function surplusOf({ settled, byDay, byReason }: Sums): string | undefined {
  if (byDay === settled && byReason === settled) return undefined;
  return `${byDay} and ${byReason} payments summed up where ${settled} settled`;
}
