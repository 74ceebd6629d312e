import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AuditModule, EventArchive } from '@countersign/audit/service';
import { type Composition, type Surroundings, openVault, ownKey } from '@countersign/hosting';
import type { EventStore } from '@countersign/ports';
import type { Settings } from './config.ts';

/** How long records are gathered before they are inserted together: whoever asks has them inserted at once. */
const GATHER_MS = 5_000;

/** The event store, and what it answers: search, reports, the stream; the log's heads, and what the fold ignored. */
export async function compose(
  settings: Settings,
  surroundings: Surroundings,
): Promise<Composition> {
  const { host, timers, trusted, folder, log } = surroundings;
  const vault = openVault(settings);
  const key = await ownKey(vault, 'recorder', trusted);
  const openStore = () => openEventStore(settings, folder, host.log.logId);
  const archive = new EventArchive({
    ...{ ...surroundings, key, openStore },
    ...{ everyMs: GATHER_MS, isAlone: true },
  });
  return {
    modules: [AuditModule.with({ host, archive, key, trusted, timers, log })],
    duties: [{ start: () => archive.work(), stop: () => archive.close() }],
    archive,
    close: async () => vault.close(),
  };
}

/** The engine is loaded only when there is something to insert: it is large. */
async function openEventStore(
  settings: Settings,
  folder: string,
  logId: string,
): Promise<EventStore> {
  const clickhouse = await import('@countersign/adapter-clickhouse');
  const urlFile = settings.COUNTERSIGN_CLICKHOUSE_URL_FILE;
  if (urlFile === undefined)
    return clickhouse.openEventStore({ logId, folder: join(folder, 'events') });
  return clickhouse.openEventStore({ logId, url: readFileSync(urlFile, 'utf8').trim() });
}
