import { type DynamicModule, Module } from '@nestjs/common';
import { LaneHost, type Timers } from '@countersign/service-kit';
import { Intake } from './intake.ts';
import { JudgementIndex } from './judgements.ts';
import { PaymentsController } from './payments.controller.ts';

/** The intake service: payments and tasks. It owes nothing; what follows an intent is owed by others. */
@Module({})
export class IntakeModule {
  /** Call before the host starts folding: timelines show what the fold ignored. */
  static with(parts: { readonly host: LaneHost; readonly timers: Timers }): DynamicModule {
    const { host, timers } = parts;
    return {
      module: IntakeModule,
      controllers: [PaymentsController],
      providers: [
        { provide: LaneHost, useValue: host },
        { provide: Intake, useValue: new Intake(host, timers) },
        { provide: JudgementIndex, useValue: new JudgementIndex(host) },
      ],
    };
  }
}
