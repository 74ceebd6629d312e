import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { engineInProcess } from './engine.ts';
import { openEventStore } from './event-store.ts';
import { BATCH_RECORDS, batchOf } from './testing/batches.ts';

const folder = mkdtempSync(join(tmpdir(), 'countersign-upgrade-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Takes back the fifth migration and those after it, so that the tables are those of a program before them. */
const BEFORE_FIFTH = [
  'ALTER TABLE openings DROP COLUMN shown',
  'ALTER TABLE records MODIFY COLUMN bytes CODEC(ZSTD(3))',
  'ALTER TABLE openings MODIFY COLUMN value CODEC(ZSTD(3))',
  'ALTER TABLE openings DROP INDEX words_of_any_alphabet',
  "ALTER TABLE openings ADD INDEX words value TYPE text(tokenizer = 'splitByNonAlpha', preprocessor = lower(value))",
  'ALTER TABLE openings MATERIALIZE INDEX words',
  'ALTER TABLE records DROP INDEX named',
  'ALTER TABLE records DROP COLUMN payments',
  'ALTER TABLE records DROP INDEX sessions',
  'ALTER TABLE records DROP COLUMN session, DROP COLUMN audit_depth, DROP COLUMN audit_profile',
  "CREATE OR REPLACE VIEW events AS SELECT * REPLACE (if(event = 'signing.completed', '', bytes) AS bytes) FROM records",
  'ALTER TABLE migrations DELETE WHERE version >= 5',
];

it('tables of a program that knew neither sessions nor record profiles go on, with old rows empty', async () => {
  const options = { logId: 'log', folder };
  const before = await openEventStore(options);
  await before.archive(batchOf(0));
  await before.close();
  const engine = await engineInProcess(folder);
  for (const query of BEFORE_FIFTH)
    await engine.writer.command({ query, clickhouse_settings: { mutations_sync: '2' } });
  await engine.close();

  const store = await openEventStore(options);
  await store.archive(batchOf(0));
  await store.archive(batchOf(1));
  const { rows } = await store.sql(
    'acme',
    'SELECT session, audit_depth, count() FROM events GROUP BY ALL ORDER BY session',
  );
  const old = await store.search({ tenant: 'acme', paymentId: 'pay_0_7', limit: 5 });
  const words = await store.search({ tenant: 'acme', text: 'ÜBERSETZUNG ä7', limit: 5 });
  const both = await store.search({
    tenant: 'acme',
    text: 'übersetzung',
    limit: 2 * BATCH_RECORDS,
  });
  const later = await store.search({ tenant: 'acme', text: 'ä57', limit: 5 });
  await store.close();
  // Shown beside the text, or looked up among the records.
  expect(both.events.map((it) => it.leaf)).toEqual(
    Array.from({ length: 2 * BATCH_RECORDS }, (_, index) => 2 * BATCH_RECORDS - 1 - index),
  );
  expect(later.events).toEqual(both.events.filter((it) => it.leaf === 57));
  expect(words.events.map((it) => it.leaf)).toEqual([7]);
  expect(old.events).toMatchObject([{ leaf: 7, payments: [] }]);
  const count = String(BATCH_RECORDS);
  expect(rows).toEqual([
    ['', '', count],
    ['none', 'full', count],
  ]);
});
