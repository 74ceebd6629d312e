import { setImmediate as turn } from 'node:timers/promises';
import { type EventName, type EventOf, type FeedEvent, decodeEvent } from '@countersign/contracts';
import { CONTROL, type LaneId, type LogRecord } from '@countersign/ports';
import { type Caller, type LaneHost, Refused } from '@countersign/service-kit';

/** Decoded in one turn of the event loop, which everything else in the process waits for: some milliseconds. */
const READ_RECORDS_MAX = 50;
/** Looked at for one page, be they for the caller or not: of a long log an agent sees next to nothing. */
const LOOKED_MAX = 2_000;
/** Not for everybody who may read: a bearer token, and digests that credentials are compared with. */
const LEFT_OUT = new Set(['bytes', 'credentialDigest']);

/** Where a reader stands: next offset of every lane. */
export type Cursor = ReadonlyMap<LaneId, number>;

/** What a reader gets at once. */
export interface FeedPage {
  readonly events: readonly FeedEvent[];
  /** Where to go on. */
  readonly after: Cursor;
  /** The log goes on behind this page, also where the page is empty. */
  readonly more: boolean;
}

/**
 * The log as a reader may see it, from any place on. A reader pulls, page by page, from the log itself; so a slow one holds
 * up nobody and nothing is kept for it.
 */
export class EventFeed {
  readonly #host: LaneHost;
  /** By caller: resolves when the last page asked for is read. */
  readonly #reading = new Map<string, Promise<void>>();

  constructor(host: LaneHost) {
    this.#host = host;
  }

  /** @throws Refused `invalid_request` for a place the log does not have. */
  cursorOf(after: string): Cursor {
    const ends = this.#ends();
    if (after === 'now') return ends;
    const starts = new Map([...ends.keys()].map((lane) => [lane, 0]));
    if (after === 'start') return starts;
    for (const part of after.split(',')) {
      const [lane = '', text] = part.split(':');
      const offset = Number(text);
      if (!(offset <= (ends.get(lane) ?? -1)))
        throw new Refused('invalid_request', `the log has no place ${part}`);
      starts.set(lane, offset);
    }
    return starts;
  }

  /**
   * The next events for the caller among so many records. One caller's pages are read one after the other: however many
   * requests it has open, it takes no more of this process than one does.
   */
  async page(caller: Caller, from: Cursor, limit: number): Promise<FeedPage> {
    const who = whoIs(caller);
    const before = this.#reading.get(who);
    const { promise: read, resolve } = Promise.withResolvers<void>();
    this.#reading.set(who, read);
    await before;
    try {
      return await this.#read(caller, from, limit);
    } finally {
      resolve();
      if (this.#reading.get(who) === read) this.#reading.delete(who);
    }
  }

  async #read(caller: Caller, from: Cursor, limit: number): Promise<FeedPage> {
    const at = new Map(from);
    const events: FeedEvent[] = [];
    let looked = 0;
    const isFull = () => events.length >= limit || looked >= LOOKED_MAX;
    const ends = this.#ends();
    for (const [lane, end] of ends) {
      for (let next = at.get(lane) ?? 0; next < end && !isFull(); await turn()) {
        const max = Math.min(READ_RECORDS_MAX, end - next, LOOKED_MAX - looked);
        for (const record of await this.#host.log.read(lane, next, max)) {
          if (isFull()) break;
          looked += 1;
          next = record.offset + 1;
          at.set(lane, next);
          const seen = this.#seenBy(caller, record);
          if (seen) events.push({ id: idOf(at), ...seen });
        }
      }
    }
    // By the ends from which it set out: a log that grows all the time would never be at its end.
    return { events, after: at, more: isBehind(at, ends) };
  }

  #seenBy(caller: Caller, record: LogRecord): Omit<FeedEvent, 'id'> | undefined {
    const event = decodeEvent(record.bytes);
    if ('undecodable' in event || !isOf(caller, event)) return undefined;
    const ignored = this.#host.ignoredAt(record);
    // Whoever can write to the log can put an agent's name into a record: what did not count is nobody's deed.
    if (ignored !== null && caller.kind === 'agent') return undefined;
    return {
      position: `${record.lane}:${record.offset}`,
      atMs: record.stampMs,
      event: event.name,
      ignored,
      data: shown(event.data),
    };
  }

  /** Resolves when something was folded since `from`, or at the signal. */
  async moved(from: Cursor, until: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = () => resolve();
    const stop = this.#host.onRecord(() => isBehind(from, this.#ends()) && wake());
    until.addEventListener('abort', wake);
    if (until.aborted || isBehind(from, this.#ends())) wake();
    await promise;
    until.removeEventListener('abort', wake);
    stop();
  }

  #ends(): Cursor {
    const { control, lanes } = this.#host;
    return new Map([
      [CONTROL, control.offset + 1],
      ...lanes.map(({ lane, next }): [LaneId, number] => [String(lane), next]),
    ]);
  }
}

function isBehind(at: Cursor, ends: Cursor): boolean {
  return [...ends].some(([lane, end]) => end > (at.get(lane) ?? 0));
}

export function idOf(cursor: Cursor): string {
  return [...cursor].map(([lane, offset]) => `${lane}:${offset}`).join(',');
}

/** The same text for every request of one caller. */
export function whoIs(caller: Caller): string {
  const name = caller.kind === 'person' ? caller.person : caller.agent;
  return `${caller.tenant}/${caller.kind}/${name}`;
}

/** At any depth: a change that waits holds what it will make. */
function shown(data: object): Record<string, unknown> {
  const parts = Object.entries(data).filter(([name]) => !LEFT_OUT.has(name));
  const isObject = (part: unknown): part is object =>
    typeof part === 'object' && part !== null && !Array.isArray(part);
  return Object.fromEntries(
    parts.map(([name, part]: [string, unknown]) => [name, isObject(part) ? shown(part) : part]),
  );
}

/** A person's are all of the tenant, an agent's those that name it. */
function isOf(caller: Caller, { data }: EventOf<EventName>): boolean {
  if (!('tenant' in data) || data.tenant !== caller.tenant) return false;
  return caller.kind === 'person' || ('agent' in data && data.agent === caller.agent);
}
