import { Controller, type DynamicModule, Inject, Module } from '@nestjs/common';
import { CONTROL } from '@countersign/ports';
import { LaneHost, Route, type Timers } from '@countersign/service-kit';
import { EventArchive } from './event-archive.ts';
import { EventFeedController, FEED_TIMERS } from './event-feed.controller.ts';
import { EventFeed } from './event-feed.ts';
import { SearchController } from './search.controller.ts';

@Controller()
export class AuditController {
  constructor(@Inject(LaneHost) private readonly host: LaneHost) {}

  @Route('listIgnored')
  ignored() {
    const ignored = this.host.ignored.map(({ position, code, detail }) => ({
      position: `${position.lane}:${position.offset}`,
      code,
      detail,
    }));
    return { ignored };
  }

  @Route('readHeads')
  heads() {
    const { control, lanes, log } = this.host;
    return {
      logId: log.logId,
      lanes: [
        { lane: CONTROL, length: control.offset + 1, head: this.host.head(CONTROL) },
        ...lanes.map(({ lane, next }) => ({
          lane: String(lane),
          length: next,
          head: this.host.head(String(lane)),
        })),
      ],
    };
  }
}

/** The recorder service over HTTP: heads of the log, what the fold ignored, the stream, search and reports. */
@Module({})
export class AuditModule {
  static with(parts: {
    readonly host: LaneHost;
    readonly archive: EventArchive;
    readonly timers: Timers;
  }): DynamicModule {
    return {
      module: AuditModule,
      controllers: [AuditController, EventFeedController, SearchController],
      providers: [
        { provide: LaneHost, useValue: parts.host },
        { provide: EventArchive, useValue: parts.archive },
        { provide: EventFeed, useValue: new EventFeed(parts.host) },
        { provide: FEED_TIMERS, useValue: parts.timers },
      ],
    };
  }
}
