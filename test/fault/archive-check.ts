import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { openEventStore } from '@countersign/adapter-clickhouse';
import { Fault } from '@countersign/kernel';
import { leafDigest } from '@countersign/payment';
import type { Cut, EventStore, LogRecord } from '@countersign/ports';
import type { Verdict } from './checks.ts';

const PAGE = 2_000;
const EVER = { from: '2000-01-01', to: '2149-01-01' };

/** The log as it stands, and what a fold of it that nothing disturbed makes of it. */
export interface Archivable {
  readonly logId: string;
  readonly tenant: string;
  readonly all: ReadonlyMap<string, readonly LogRecord[]>;
  /** Those that count, in order. */
  readonly cuts: readonly Cut[];
  /** Whether a payment settled by the record. */
  readonly settles: (lane: string, offset: number) => boolean;
}

/**
 * Each recorder's event store holds the records of the cuts it has, every one once and byte for byte, and its report of
 * what was spent counts every payment that settled in them once.
 *
 * @param stateOf folders of the recorders' own state, by name; nobody else has them open.
 */
export async function archivedOnce(
  stateOf: ReadonlyMap<string, string>,
  truth: Archivable,
): Promise<Verdict> {
  const wrong: string[] = [];
  let [stores, records, emptied] = [0, 0, 0];
  for (const [name, folder] of stateOf) {
    const events = join(folder, 'events');
    if (!existsSync(events)) continue;
    const open = () => openEventStore({ logId: truth.logId, folder: events });
    const store = await open().catch((error: unknown) => {
      // It found by itself that a write had failed, and has nothing that could be wrong.
      if (!(error instanceof Fault) || error.code !== 'event_store_emptied') throw error;
      emptied += 1;
      return open();
    });
    try {
      const held = await compared(store, truth);
      records += held.records;
      wrong.push(...held.wrong.map((it) => `${name}: ${it}`));
    } finally {
      await store.close();
    }
    stores += 1;
  }
  if (stores > 0 && records === 0) wrong.push('no recorder archived anything');
  return {
    invariant: 'every archived record is there once, and counted once',
    looked: `${records} records in ${stores} event stores${emptied > 0 ? `, ${emptied} of them emptied as they were opened` : ''}`,
    wrong,
  };
}

async function compared(
  store: EventStore,
  { tenant, all, cuts: every, settles }: Archivable,
): Promise<{ readonly records: number; readonly wrong: readonly string[] }> {
  const { sequence, treeSize } = await store.archived();
  const cuts = every.filter((cut) => cut.sequence <= sequence);
  const wrong: string[] = [];
  if ((cuts.at(-1)?.treeSize ?? 0) !== treeSize)
    wrong.push(`${treeSize} records, and the log's cuts up to ${sequence} make another number`);
  const expected = cuts.flatMap(({ lane, from, to }) => (all.get(lane) ?? []).slice(from, to));
  for (let from = 0; from < treeSize; from += PAGE) {
    const to = Math.min(treeSize, from + PAGE);
    const leaves = await store.leaves(from, to);
    if (leaves.length !== to - from)
      wrong.push(`${leaves.length} leaves from ${from} to ${to}, each of which is one`);
    for (const [index, leaf] of leaves.entries()) {
      const record = expected[from + index];
      if (!record || leafDigest(leaf) !== leafDigest(record))
        wrong.push(`leaf ${from + index} is not the record of its cut`);
    }
  }
  const { lines } = await store.spend({ tenant, ...EVER });
  const counted = lines.reduce((sum, { payments }) => sum + payments, 0);
  const settled = expected.filter(({ lane, offset }) => settles(lane, offset)).length;
  if (counted !== settled) wrong.push(`${counted} payments counted of ${settled} that settled`);
  return { records: treeSize, wrong };
}
