import { type BeforeApplicationShutdown, Controller, Headers, Inject, Res } from '@nestjs/common';
import { FeedQuery } from '@countersign/contracts';
import {
  type Caller,
  LaneHost,
  Refused,
  Route,
  RouteQuery,
  TheCaller,
  type Timers,
  admitted,
} from '@countersign/service-kit';
import type { z } from 'zod';
import { type Cursor, EventFeed, idOf, whoIs } from './event-feed.ts';

export const FEED_TIMERS = 'countersign:feed-timers';
const HEARTBEAT_MS = 15_000;
const STREAMS_MAX = 200;
/** Requests under way of one caller, streams among them. */
const READERS_MAX = 20;
/** Events between two looks at whether the reader keeps up. */
const STREAM_PAGE = 100;

/** What is used of Fastify's reply. */
interface Reply {
  hijack(): void;
  send(body: unknown): unknown;
  readonly raw: {
    writeHead(status: number, headers: Readonly<Record<string, string>>): unknown;
    write(text: string): boolean;
    once(event: 'drain' | 'close', listener: () => void): unknown;
    end(): void;
    destroy(): unknown;
    readonly destroyed: boolean;
    readonly writableNeedDrain: boolean;
  };
}

/** One request under way. */
interface Reader {
  readonly caller: Caller;
  readonly credential: string | undefined;
  /** Aborted when it hangs up, and when this process ends. */
  readonly over: AbortSignal;
}

/** Records as they come in: as pages, or as server-sent events whose ids are places in the log. */
@Controller()
export class EventFeedController implements BeforeApplicationShutdown {
  readonly #closing = new AbortController();
  #streams = 0;
  /** By caller: how many requests are under way. */
  readonly #readers = new Map<string, number>();

  constructor(
    @Inject(LaneHost) private readonly host: LaneHost,
    @Inject(EventFeed) private readonly feed: EventFeed,
    @Inject(FEED_TIMERS) private readonly timers: Timers,
  ) {}

  /** A stream never ends by itself, and the server waits for what is under way. */
  beforeApplicationShutdown(): void {
    this.#closing.abort();
  }

  @Route('followEvents')
  async follow(
    @TheCaller() caller: Caller,
    @RouteQuery('followEvents') query: z.infer<typeof FeedQuery>,
    @Headers() headers: Readonly<Record<string, string | undefined>>,
    @Res() reply: Reply,
  ): Promise<void> {
    const from = this.feed.cursorOf(lastOf(headers) ?? query.after ?? 'now');
    const who = whoIs(caller);
    const readers = this.#readers.get(who) ?? 0;
    if (readers >= READERS_MAX)
      throw new Refused('unavailable', `${READERS_MAX} of your requests follow the log already`);
    this.#readers.set(who, readers + 1);
    try {
      const over = AbortSignal.any([this.#closing.signal, hangingUp(reply.raw)]);
      const reader = { caller, credential: headers['authorization'], over };
      if (headers['accept']?.includes('text/event-stream')) await this.#stream(reader, from, reply);
      else reply.send(await this.#page(reader, from, query));
    } finally {
      const left = (this.#readers.get(who) ?? 1) - 1;
      if (left > 0) this.#readers.set(who, left);
      else this.#readers.delete(who);
    }
  }

  /** An empty page says that the log is at its end: programs stop there. */
  async #page(reader: Reader, from: Cursor, query: z.infer<typeof FeedQuery>) {
    const { caller, over } = reader;
    const waited = new AbortController();
    if (query.wait === 0) waited.abort();
    const cancel = this.timers.after(query.wait * 1000, () => waited.abort());
    const until = AbortSignal.any([over, waited.signal]);
    try {
      for (let at = from; ;) {
        const { events, after, more } = await this.feed.page(caller, at, query.limit);
        this.#admit(reader);
        if (events.length > 0 || (!more && until.aborted)) return { events, after: idOf(after) };
        if (over.aborted) throw new Refused('unavailable', 'not read to the end');
        at = after;
        if (!more) await this.feed.moved(at, until);
      }
    } finally {
      cancel();
    }
  }

  async #stream(reader: Reader, from: Cursor, reply: Reply): Promise<void> {
    if (this.#streams >= STREAMS_MAX) throw new Refused('unavailable', 'too many streams are open');
    this.#streams += 1;
    reply.hijack();
    const { raw } = reply;
    const { caller, over } = reader;
    raw.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    raw.write(': countersign\n\n');
    let cancel = this.#heartbeat(raw, over);
    try {
      for (let cursor = from; !over.aborted;) {
        const { events, after, more } = await this.feed.page(caller, cursor, STREAM_PAGE);
        if (!this.#isAdmitted(reader)) return;
        cursor = after;
        const text = events.map((event) => frame(event.id, event)).join('');
        // A reader that is behind gets nothing more until it has taken what it was sent.
        if (text !== '' && !raw.write(text)) await drained(raw, over);
        cancel();
        cancel = this.#heartbeat(raw, over);
        if (!more) await this.feed.moved(cursor, over);
      }
    } finally {
      cancel();
      this.#streams -= 1;
      // What a reader that is behind has not taken yet would hold up the end of this process.
      if (over.aborted && raw.writableNeedDrain) raw.destroy();
      else raw.end();
    }
  }

  /**
   * Once more after every page, since the credential may have been replaced meanwhile: a change of credentials is a record,
   * and wakes every reader.
   */
  #admit({ credential }: Reader): void {
    admitted(this.host.control, 'followEvents', credential);
  }

  #isAdmitted(reader: Reader): boolean {
    try {
      this.#admit(reader);
      return true;
    } catch (error) {
      if (error instanceof Refused) return false;
      throw error;
    }
  }

  /** A comment now and then, so that what stands between sees a living connection. */
  #heartbeat(raw: Reply['raw'], over: AbortSignal): () => void {
    let cancel: () => void;
    const beat = () => {
      if (over.aborted) return;
      raw.write(': still here\n\n');
      cancel = this.timers.after(HEARTBEAT_MS, beat);
    };
    cancel = this.timers.after(HEARTBEAT_MS, beat);
    return () => cancel();
  }
}

/** Readers of a stream send back the last id they have; it counts for more than the query they began with. */
function lastOf(headers: Readonly<Record<string, string | undefined>>): string | undefined {
  const { data, success } = FeedQuery.shape.after.safeParse(headers['last-event-id']);
  if (!success) throw new Refused('invalid_request', 'Last-Event-ID: no place in the log');
  return data;
}

function hangingUp(raw: Reply['raw']): AbortSignal {
  const over = new AbortController();
  raw.once('close', () => over.abort());
  if (raw.destroyed) over.abort();
  return over.signal;
}

async function drained(raw: Reply['raw'], over: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const wake = () => resolve();
  raw.once('drain', wake);
  over.addEventListener('abort', wake);
  await promise;
  over.removeEventListener('abort', wake);
}

/** JSON has no line break of its own, so an event is one line. */
function frame(id: string, event: object): string {
  return `id: ${id}\nevent: record\ndata: ${JSON.stringify(event)}\n\n`;
}
