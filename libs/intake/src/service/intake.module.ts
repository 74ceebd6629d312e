import { type DynamicModule, Module } from '@nestjs/common';
import type { Clock } from '@countersign/ports';
import { LaneHost, silentLog } from '@countersign/service-kit';
import { Intake, type IntakeParts } from './intake.ts';
import { MESSAGES, MessagesController, type Resubmission } from './messages.controller.ts';
import { PaymentsController } from './payments.controller.ts';
import { SessionsController } from './sessions.controller.ts';
import { Sessions } from './sessions.ts';
import { CLOCK, TasksController } from './tasks.controller.ts';
import { Tasks } from './tasks.ts';
import { Unattributed } from './unattributed.ts';

export interface IntakeModuleParts extends IntakeParts {
  readonly clock: Clock;
  /** What `messagesDuty` adds to, where this process has that duty. */
  readonly unattributed?: Unattributed;
  /** That duty. */
  readonly messages?: Resubmission;
}

/** The intake service: payments, sessions and tasks. It owes nothing; what follows an intent is owed by others. */
@Module({})
export class IntakeModule {
  static with(parts: IntakeModuleParts): DynamicModule {
    const { host, key, clock, unattributed = new Unattributed(clock, silentLog) } = parts;
    return {
      module: IntakeModule,
      controllers: [PaymentsController, SessionsController, TasksController, MessagesController],
      providers: [
        { provide: LaneHost, useValue: host },
        { provide: CLOCK, useValue: clock },
        { provide: Intake, useValue: new Intake(parts) },
        { provide: Sessions, useValue: new Sessions(host, key) },
        { provide: Tasks, useValue: new Tasks(host, key) },
        { provide: Unattributed, useValue: unattributed },
        { provide: MESSAGES, useValue: parts.messages },
      ],
    };
  }
}
