import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Fault } from '@countersign/kernel';
import type { EventStore } from '@countersign/ports';
import { openEventStore } from './event-store.ts';
import { batchOf } from './testing/batches.ts';

/**
 * Stores the batches that are not there yet on a disk that is full for moments, from the store's end on whenever it was emptied,
 * until all are there or it is killed. Says of each that it is stored, and of the store that it was emptied.
 *
 * Arguments: the folder, how many batches, and how often the store is to be emptied before the disk has room for good.
 */
const [folder = '', last = '0', empties = '0'] = process.argv.slice(2);
/** Less than any part of a table needs. */
const FULL_BYTES = 1024;
let emptied = 0;
// A write beyond the limit sends it; by itself it ends the process.
process.on('SIGXFSZ', () => {});

const run = promisify(execFile);
const limitFiles = (to: string) =>
  run('prlimit', ['--pid', String(process.pid), `--fsize=${to}:unlimited`]);

/** What it throws is a fault of the store, and is tried again. */
async function settled<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Fault) || !error.retryable) throw error;
    if (error.code === 'event_store_emptied') {
      emptied += 1;
      process.stdout.write('emptied\n');
    }
    return undefined;
  }
}

async function untilDone<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    const done = await settled(work);
    if (done !== undefined) return done;
  }
}

/** Whether the batch was stored. The moment at which the disk is full moves on from batch to batch. */
async function archived(store: EventStore, sequence: number, round: number): Promise<boolean> {
  const stored = settled(() => store.archive(batchOf(sequence)).then(() => true));
  if (emptied < Number(empties)) {
    for (let passed = 0; passed < round % 9; passed += 1) await run('true');
    await limitFiles(String(FULL_BYTES));
    await limitFiles('unlimited');
  }
  return (await stored) === true;
}

const store = await untilDone(() => openEventStore({ logId: 'lost', folder }));
const end = async () => (await untilDone(() => store.archived())).sequence + 1;
let next = await end();
for (let round = 0; next < Number(last); round += 1) {
  if (!(await archived(store, next, round))) next = await end();
  else process.stdout.write(`stored ${next++}\n`);
}
await store.close();
