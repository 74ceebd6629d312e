import { Controller, type DynamicModule, Inject, Module } from '@nestjs/common';
import { CONTROL, type StatementKey } from '@countersign/ports';
import {
  type Caller,
  LaneHost,
  type Log,
  Route,
  RouteBody,
  type Timers,
  TheCaller,
  type TrustedKeys,
  personOf,
} from '@countersign/service-kit';
import { EventArchive } from './event-archive.ts';
import { EventFeedController, FEED_TIMERS } from './event-feed.controller.ts';
import { EventFeed } from './event-feed.ts';
import { resubmit } from './resubmit.ts';
import { ProofController, TRUSTED } from './proof.controller.ts';
import { Proofs } from './proofs.ts';
import { SearchController } from './search.controller.ts';

const LOG = Symbol('Log');

@Controller()
export class AuditController {
  constructor(
    @Inject(LaneHost) private readonly host: LaneHost,
    @Inject(LOG) private readonly log: Log,
  ) {}

  @Route('listIgnored')
  ignored() {
    const ignored = this.host.ignored.map(({ position, code, detail }) => ({
      position: `${position.lane}:${position.offset}`,
      code,
      detail,
    }));
    return { ignored };
  }

  @Route('resubmitRecord')
  async resubmit(
    @TheCaller() caller: Caller,
    @RouteBody('resubmitRecord') { position }: { position: string },
  ) {
    const by = personOf(caller);
    const [lane = '', offset = ''] = position.split(':');
    const back = await resubmit(this.host, { lane, offset: Number(offset) }, by.tenant);
    const now = `${back.position.lane}:${back.position.offset}`;
    const { applied, code } = back;
    this.log.info({ position, now, code, person: by.person }, 'a record was submitted once more');
    return { position: now, applied, code };
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
    /** The recorder's own, for checkpoints. */
    readonly key: StatementKey;
    /** Keys of all services, as this one was told them. */
    readonly trusted: TrustedKeys;
    readonly timers: Timers;
    readonly log: Log;
  }): DynamicModule {
    const { host, archive, key } = parts;
    return {
      module: AuditModule,
      controllers: [AuditController, EventFeedController, SearchController, ProofController],
      providers: [
        { provide: LaneHost, useValue: host },
        { provide: EventArchive, useValue: archive },
        { provide: Proofs, useValue: new Proofs({ archive, key, logId: host.log.logId }) },
        { provide: TRUSTED, useValue: parts.trusted },
        { provide: EventFeed, useValue: new EventFeed(host) },
        { provide: FEED_TIMERS, useValue: parts.timers },
        { provide: LOG, useValue: parts.log },
      ],
    };
  }
}
