import { setImmediate } from 'node:timers/promises';
import type { EventLog, LogRecord } from '@countersign/ports';
import type { LogFold } from './log-fold.ts';

/** Records of one turn of the event loop: a few milliseconds. */
const PAGE = 128;
/** Records of one reading: a log elsewhere takes as long for one as for many. */
const READING = 1_024;

/**
 * Folds what stands in the log at start, page by page: while the signatures of one page are verified on other threads,
 * the next one is read and decoded, and in between the process answers.
 *
 * @param ends by lane, the offset to fold up to; control first, as lanes wait for it.
 * @param checkOpen throws when nothing may be folded any more.
 */
export async function catchUp(
  log: EventLog,
  fold: LogFold,
  ends: ReadonlyMap<string, number>,
  checkOpen: () => void,
): Promise<void> {
  const take = async (page: Page | undefined) => {
    if (!page) return;
    await page.prepared;
    checkOpen();
    for (const record of page.records) fold.take(record);
    fold.save(false);
    await setImmediate();
  };
  let last: Page | undefined;
  for await (const records of pages(log, fold, ends)) {
    const page = { records, prepared: fold.prepare(records) };
    await take(last);
    last = page;
  }
  await take(last);
}

interface Page {
  readonly records: readonly LogRecord[];
  /** Settles when its signatures are verified; never rejects. */
  readonly prepared: Promise<void>;
}

/** Pages of all lanes, while the next reading is under way. */
async function* pages(
  log: EventLog,
  fold: LogFold,
  ends: ReadonlyMap<string, number>,
): AsyncGenerator<readonly LogRecord[]> {
  const all = readings(log, fold, ends);
  let next = all.next();
  for (;;) {
    const { done, value: records } = await next;
    if (done === true) return;
    next = all.next();
    // Whoever takes no more pages leaves it unawaited.
    next.catch(() => undefined);
    for (let at = 0; at < records.length; at += PAGE) yield records.slice(at, at + PAGE);
  }
}

/** A part of each lane in turn, until all are at their ends. */
async function* readings(
  log: EventLog,
  fold: LogFold,
  ends: ReadonlyMap<string, number>,
): AsyncGenerator<readonly LogRecord[], undefined> {
  const next = new Map([...ends.keys()].map((lane) => [lane, fold.nextOf(lane)]));
  for (let found = true; found;) {
    found = false;
    for (const [lane, offset] of next) {
      const left = (ends.get(lane) ?? 0) - offset;
      const records = left > 0 ? await log.read(lane, offset, Math.min(READING, left)) : [];
      if (records.length === 0) continue;
      next.set(lane, offset + records.length);
      found = true;
      yield records;
    }
  }
}
