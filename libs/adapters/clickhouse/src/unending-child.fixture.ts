import { Fault } from '@countersign/kernel';
import { openEventStore } from './event-store.ts';
import { batchOf } from './testing/batches.ts';

/** One call of a function, and so one block: nothing in the engine looks at a limit meanwhile. */
const UNENDING = `SELECT arrayFold((a, x) -> arrayFold((b, y) -> arrayFold((c, z) -> c + z, range(10000), b), range(10000), a),
  range(10000), toUInt64(0))`;

/** Asks the store what its engine never answers, then the rest of it; says what came of each, closes it, and exits. */
const [folder = ''] = process.argv.slice(2);
const store = await openEventStore({ logId: 'unending', folder }, { answerMs: 1_000 });
const told = (error: unknown) => (error instanceof Fault ? error.code : String(error));
const asked = (query: string) => store.sql('acme', query).then(() => 'answered', told);
await store.archive(batchOf(0));
const unending = await asked(UNENDING);
const next = await asked('SELECT 1');
const { events } = await store.search({ tenant: 'acme', limit: 5 });
await store.archive(batchOf(1));
const { sequence } = await store.archived();
await store.close();
process.stdout.write(JSON.stringify({ unending, next, found: events.length, sequence }));
process.exit(0);
