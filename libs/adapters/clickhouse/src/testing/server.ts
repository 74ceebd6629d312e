import { DATABASE, engineInProcess, engineOnServer } from '../engine.ts';
import type { ClickHouseOptions } from '../event-store.ts';

/** Drops all that a test before this one made. */
export async function dropTables(options: ClickHouseOptions): Promise<void> {
  const engine = await ('url' in options
    ? engineOnServer(options.url)
    : engineInProcess(options.folder));
  await engine.writer.command({ query: `DROP DATABASE ${DATABASE} SYNC` });
  await engine.close();
}
