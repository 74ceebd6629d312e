import { type EventName, type EventOf, type FeedEvent, decodeEvent } from '@countersign/contracts';
import { CONTROL, type LaneId, type LogRecord } from '@countersign/ports';
import { type Caller, type LaneHost, Refused } from '@countersign/service-kit';

const READ_RECORDS_MAX = 200;
/** Not for everybody who may read: a bearer token, and digests that credentials are compared with. */
const LEFT_OUT = new Set(['bytes', 'credentialDigest']);

/** Where a reader stands: next offset of every lane. */
export type Cursor = ReadonlyMap<LaneId, number>;

/**
 * The log as a reader may see it, from any place on. A reader pulls, page by page, from the log itself; so a slow one holds
 * up nobody and nothing is kept for it.
 */
export class EventFeed {
  readonly #host: LaneHost;

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

  /** The next events for the caller, and where to go on; none are left where the list is empty. */
  async page(
    caller: Caller,
    from: Cursor,
    limit: number,
  ): Promise<{ readonly events: readonly FeedEvent[]; readonly after: Cursor }> {
    const at = new Map(from);
    const events: FeedEvent[] = [];
    for (const [lane, end] of this.#ends()) {
      for (let next = at.get(lane) ?? 0; next < end && events.length < limit;) {
        const max = Math.min(READ_RECORDS_MAX, end - next);
        for (const record of await this.#host.log.read(lane, next, max)) {
          if (events.length >= limit) break;
          next = record.offset + 1;
          at.set(lane, next);
          const seen = seenBy(caller, record);
          if (seen) events.push({ id: idOf(at), ...seen });
        }
      }
    }
    return { events, after: at };
  }

  /** Resolves when something was folded since `from`, or when `stopped` does. */
  async moved(from: Cursor, stopped: Promise<void>): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const hasMoved = () => [...this.#ends()].some(([lane, end]) => end > (from.get(lane) ?? 0));
    const stop = this.#host.onRecord(() => hasMoved() && resolve());
    if (hasMoved()) resolve();
    await Promise.race([promise, stopped]);
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

export function idOf(cursor: Cursor): string {
  return [...cursor].map(([lane, offset]) => `${lane}:${offset}`).join(',');
}

function seenBy(caller: Caller, record: LogRecord): Omit<FeedEvent, 'id'> | undefined {
  const event = decodeEvent(record.bytes);
  if ('undecodable' in event || !mayBeSeen(caller, event)) return undefined;
  const shown = Object.entries(event.data).filter(([name]) => !LEFT_OUT.has(name));
  return {
    position: `${record.lane}:${record.offset}`,
    atMs: record.stampMs,
    event: event.name,
    data: Object.fromEntries(shown),
  };
}

function mayBeSeen(caller: Caller, { data }: EventOf<EventName>): boolean {
  if (!('tenant' in data) || data.tenant !== caller.tenant) return false;
  return caller.kind === 'person' || ('paymentId' in data && data.agent === caller.agent);
}
