import { openEventStore } from './event-store.ts';
import { batchOf } from './testing/batches.ts';

/** Stores the batches that are not there yet, saying after each one that it is; until it is killed, exits or is done. */
const [folder = '', last = '0', exitsAt = ''] = process.argv.slice(2);
const store = await openEventStore({ logId: 'crash', folder });
const { sequence } = await store.archived();
process.stdout.write(`from ${sequence + 1}\n`);
for (let next = sequence + 1; next < Number(last); next += 1) {
  const stored = store.archive(batchOf(next));
  // In the midst of it, as after a fault that ends the process.
  if (String(next) === exitsAt) setImmediate(() => process.exit(70));
  await stored;
  process.stdout.write(`stored ${next}\n`);
}
await store.close();
