import { Controller, Headers, Inject, Res } from '@nestjs/common';
import { FeedQuery } from '@countersign/contracts';
import {
  type Caller,
  Refused,
  Route,
  RouteQuery,
  TheCaller,
  type Timers,
} from '@countersign/service-kit';
import type { z } from 'zod';
import { type Cursor, EventFeed, idOf } from './event-feed.ts';

export const FEED_TIMERS = 'countersign:feed-timers';
const HEARTBEAT_MS = 15_000;
const STREAMS_MAX = 200;
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
    readonly destroyed: boolean;
  };
}

/** Records as they come in: as pages, or as server-sent events whose ids are places in the log. */
@Controller()
export class EventFeedController {
  #streams = 0;

  constructor(
    @Inject(EventFeed) private readonly feed: EventFeed,
    @Inject(FEED_TIMERS) private readonly timers: Timers,
  ) {}

  @Route('followEvents')
  async follow(
    @TheCaller() caller: Caller,
    @RouteQuery('followEvents') query: z.infer<typeof FeedQuery>,
    @Headers() headers: Readonly<Record<string, string | undefined>>,
    @Res() reply: Reply,
  ): Promise<void> {
    const last = headers['last-event-id'];
    const after = last === undefined ? query.after : FeedQuery.shape.after.parse(last);
    const from = this.feed.cursorOf(after ?? 'now');
    if (headers['accept']?.includes('text/event-stream')) return this.#stream(caller, from, reply);
    reply.send(await this.#page(caller, from, query));
  }

  async #page(caller: Caller, from: Cursor, query: z.infer<typeof FeedQuery>) {
    const { promise: over, resolve } = Promise.withResolvers<void>();
    let isOver = query.wait === 0;
    const cancel = this.timers.after(query.wait * 1000, () => {
      isOver = true;
      resolve();
    });
    try {
      for (;;) {
        const { events, after } = await this.feed.page(caller, from, query.limit);
        if (events.length > 0 || isOver) return { events, after: idOf(after) };
        await this.feed.moved(after, over);
      }
    } finally {
      cancel();
    }
  }

  async #stream(caller: Caller, from: Cursor, reply: Reply): Promise<void> {
    if (this.#streams >= STREAMS_MAX) throw new Refused('unavailable', 'too many streams are open');
    this.#streams += 1;
    reply.hijack();
    const { raw } = reply;
    const closed = new Promise<void>((resolve) => raw.once('close', resolve));
    raw.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    raw.write(': countersign\n\n');
    let cancel = this.#heartbeat(raw);
    try {
      for (let cursor = from; !raw.destroyed;) {
        const { events, after } = await this.feed.page(caller, cursor, STREAM_PAGE);
        cursor = after;
        const text = events.map((event) => frame(event.id, event)).join('');
        // A reader that is behind gets nothing more until it has taken what it was sent.
        if (text !== '' && !raw.write(text))
          await Promise.race([closed, new Promise<void>((resolve) => raw.once('drain', resolve))]);
        cancel();
        cancel = this.#heartbeat(raw);
        await this.feed.moved(cursor, closed);
      }
    } finally {
      cancel();
      this.#streams -= 1;
      raw.end();
    }
  }

  /** A comment now and then, so that what stands between sees a living connection. */
  #heartbeat(raw: Reply['raw']): () => void {
    let cancel: () => void;
    const beat = () => {
      if (raw.destroyed) return;
      raw.write(': still here\n\n');
      cancel = this.timers.after(HEARTBEAT_MS, beat);
    };
    cancel = this.timers.after(HEARTBEAT_MS, beat);
    return () => cancel();
  }
}

/** JSON has no line break of its own, so an event is one line. */
function frame(id: string, event: object): string {
  return `id: ${id}\nevent: record\ndata: ${JSON.stringify(event)}\n\n`;
}
