import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEventStore } from '@countersign/adapter-clickhouse';
import type { LogRecord } from '@countersign/ports';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { batchOf } from '../../libs/adapters/clickhouse/src/testing/batches.ts';
import { type Archivable, archivedOnce } from './archive-check.ts';

const BATCHES = [0, 1, 2].map(batchOf);
const records: readonly LogRecord[] = BATCHES.flatMap((batch) =>
  batch.records.map(({ record }) => record),
);
/** A log whose third cut the recorder did not come to. */
const TRUTH: Archivable = {
  ...{ logId: 'check', tenant: 'acme', all: new Map([['0', records]]) },
  cuts: BATCHES.map(({ cut }) => cut),
  settles: () => true,
};

const folder = mkdtempSync(join(tmpdir(), 'countersign-archive-check-'));
const stateOf = new Map([
  ['recorder-1', folder],
  ['recorder-2', join(folder, 'nowhere')],
]);
beforeAll(async () => {
  const store = await openEventStore({ logId: 'check', folder: join(folder, 'events') });
  for (const batch of BATCHES.slice(0, 2)) await store.archive(batch);
  await store.close();
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("a recorder's event store", () => {
  it('is right where it has what the log has, as far as it came', async () => {
    expect(await archivedOnce(stateOf, TRUTH)).toMatchObject({
      looked: '100 records in 1 event stores',
      wrong: [],
    });
  });

  it.each<[string, Partial<Archivable>, string]>([
    [
      'has a record that the log does not have',
      { all: new Map([['0', records.with(7, { ...records[8], offset: 7 } as LogRecord)]]) },
      'recorder-1: leaf 7 is not the record of its cut',
    ],
    [
      'has other cuts',
      { cuts: BATCHES.slice(0, 1).map(({ cut }) => cut) },
      "recorder-1: 100 records, and the log's cuts up to 1 make another number",
    ],
    [
      'counts a payment that did not settle',
      { settles: (_, offset) => offset !== 99 },
      'recorder-1: 100 payments counted of 99 that settled',
    ],
  ])('is wrong where it %s', async (_, change, wrong) => {
    const verdict = await archivedOnce(stateOf, { ...TRUTH, ...change });
    expect(verdict.wrong).toContain(wrong);
  });
});
