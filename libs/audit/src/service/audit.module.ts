import { Controller, type DynamicModule, Inject, Module } from '@nestjs/common';
import { CONTROL } from '@countersign/ports';
import { LaneHost, Route } from '@countersign/service-kit';

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

/** The recorder service, as far as it goes on one machine: the log's heads, and what the fold ignored. */
@Module({})
export class AuditModule {
  static with(parts: { readonly host: LaneHost }): DynamicModule {
    return {
      module: AuditModule,
      controllers: [AuditController],
      providers: [{ provide: LaneHost, useValue: parts.host }],
    };
  }
}
