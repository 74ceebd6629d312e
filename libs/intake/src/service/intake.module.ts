import { type DynamicModule, Module } from '@nestjs/common';
import type { Clock } from '@countersign/ports';
import { LaneHost } from '@countersign/service-kit';
import { Intake, type IntakeParts } from './intake.ts';
import { PaymentsController } from './payments.controller.ts';
import { CLOCK, TasksController } from './tasks.controller.ts';
import { Tasks } from './tasks.ts';

/** The intake service: payments and tasks. It owes nothing; what follows an intent is owed by others. */
@Module({})
export class IntakeModule {
  static with(parts: IntakeParts & { readonly clock: Clock }): DynamicModule {
    const { host, key, clock } = parts;
    return {
      module: IntakeModule,
      controllers: [PaymentsController, TasksController],
      providers: [
        { provide: LaneHost, useValue: host },
        { provide: CLOCK, useValue: clock },
        { provide: Intake, useValue: new Intake(parts) },
        { provide: Tasks, useValue: new Tasks(host, key) },
      ],
    };
  }
}
