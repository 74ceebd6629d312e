import { openEventStore } from '@countersign/adapter-clickhouse';
import { EventArchive } from '@countersign/audit/service';
import {
  type LaneHost,
  type TrustedKeys,
  silentLog,
  systemClock,
  systemTimers,
} from '@countersign/service-kit';
import { statementKeyOf } from '@countersign/testkit';
import { inDirectory, rate, secondsOf } from '../bench.ts';

/** Who cuts what into the event store, and is believed. */
export const RECORDER = statementKeyOf('recorder');

/** Records a second from the log into an empty event store, by way of the recorder, once they are folded. */
export async function recording(host: LaneHost, trusted: TrustedKeys, records: number) {
  return inDirectory(async (folder) => {
    const archive = new EventArchive({
      ...{ host, trusted, key: RECORDER, clock: systemClock, timers: systemTimers },
      openStore: () => openEventStore({ logId: host.log.logId, folder }),
      log: silentLog,
      // Nothing is gathered: all of it is asked for.
      everyMs: 60_000,
    });
    try {
      await archive.store();
      const before = process.cpuUsage();
      const seconds = await secondsOf(() => archive.upToDate());
      const { archived } = await archive.upToDate();
      if (archived.treeSize < records) throw new Error(`only ${archived.treeSize} were recorded`);
      const { user, system } = process.cpuUsage(before);
      return { perSecond: rate(records, seconds), cpuMicros: (user + system) / records };
    } finally {
      await archive.close();
    }
  });
}
