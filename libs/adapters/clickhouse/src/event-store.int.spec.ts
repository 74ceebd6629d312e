import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EventStore } from '@countersign/ports';
import { type RowCounts, describeEventStore } from '@countersign/ports/suites';
import { type ClickHouseOptions, openEventStore } from './event-store.ts';
import { serverUrl } from './testing/config.ts';
import { dropTables } from './testing/server.ts';

const url = serverUrl();
let count = 0;
const SQL_BYTES_MAX = 1_000_000;

/** The same suite over the engine in this process and, with CLICKHOUSE_URL, over a server. */
describeEventStore(url === undefined ? 'chDB' : 'ClickHouse', {
  sqlBytesMax: SQL_BYTES_MAX,
  async create() {
    // The engine binds one folder per process, so each test empties the tables and is another log.
    const logId = `log-${(count += 1)}`;
    const options: ClickHouseOptions =
      url === undefined ? { logId, folder: FOLDER } : { logId, url };
    await dropTables(options);
    const open = () => openEventStore(options, { answerBytes: SQL_BYTES_MAX });
    let store = await open();
    return {
      store,
      counts: () => countsOf(store),
      reopen: async () => {
        await store.close();
        store = await open();
        return store;
      },
      dispose: () => store.close(),
    };
  },
});

const TENANTS = ['acme', 'other'];

/** Each tenant sees its own rows only, and every cut. */
async function countsOf(store: EventStore): Promise<RowCounts> {
  const query = `SELECT (SELECT count() FROM events), (SELECT count() FROM openings),
    (SELECT sum(payments) FROM spend_by_day), (SELECT sum(payments) FROM spend_by_reason), (SELECT count() FROM cuts)`;
  const rows: (readonly number[])[] = [];
  for (const tenant of TENANTS)
    rows.push(((await store.sql(tenant, query)).rows[0] ?? []).map(Number));
  const sumOf = (column: number) => rows.reduce((sum, row) => sum + (row[column] ?? 0), 0);
  return {
    records: sumOf(0),
    openings: sumOf(1),
    spentByDay: sumOf(2),
    spentByReason: sumOf(3),
    cuts: rows[0]?.[4] ?? 0,
  };
}

const FOLDER = mkdtempSync(join(tmpdir(), 'countersign-events-'));
process.on('exit', () => rmSync(FOLDER, { recursive: true, force: true }));
