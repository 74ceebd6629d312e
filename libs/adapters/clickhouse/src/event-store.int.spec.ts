import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeEventStore } from '@countersign/ports/suites';
import { type ClickHouseOptions, openEventStore } from './event-store.ts';
import { serverUrl } from './testing/config.ts';
import { dropTables } from './testing/server.ts';

const url = serverUrl();
let count = 0;

/** The same suite over the engine in this process and, with CLICKHOUSE_URL, over a server. */
describeEventStore(url === undefined ? 'chDB' : 'ClickHouse', {
  async create() {
    // The engine binds one folder per process, so each test empties the tables and is another log.
    const logId = `log-${(count += 1)}`;
    const options: ClickHouseOptions =
      url === undefined ? { logId, folder: FOLDER } : { logId, url };
    await dropTables(options);
    let store = await openEventStore(options);
    return {
      store,
      reopen: async () => {
        await store.close();
        store = await openEventStore(options);
        return store;
      },
      dispose: () => store.close(),
    };
  },
});

const FOLDER = mkdtempSync(join(tmpdir(), 'countersign-events-'));
process.on('exit', () => rmSync(FOLDER, { recursive: true, force: true }));
