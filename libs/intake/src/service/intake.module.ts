import { type DynamicModule, Module } from '@nestjs/common';
import { LaneHost } from '@countersign/service-kit';
import { Intake, type IntakeParts } from './intake.ts';
import { PaymentsController } from './payments.controller.ts';

/** The intake service: payments and tasks. It owes nothing; what follows an intent is owed by others. */
@Module({})
export class IntakeModule {
  static with(parts: IntakeParts): DynamicModule {
    const { host } = parts;
    return {
      module: IntakeModule,
      controllers: [PaymentsController],
      providers: [
        { provide: LaneHost, useValue: host },
        { provide: Intake, useValue: new Intake(parts) },
      ],
    };
  }
}
