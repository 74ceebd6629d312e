import { type DynamicModule, Module } from '@nestjs/common';
import type { Notifier, StatementKey } from '@countersign/ports';
import { DebtRunner, LaneHost, type Shell } from '@countersign/service-kit';
import { ApprovalPageController } from './approval-page.controller.ts';
import { ApprovalController } from './approval.controller.ts';
import { approvalEffects } from './approval.effects.ts';
import { Approvals } from './approvals.ts';

export interface ApprovalParts extends Shell {
  readonly host: LaneHost;
  readonly key: StatementKey;
  readonly notifier: Notifier;
  readonly pageUrl: string;
}

export function approvalDuty(parts: ApprovalParts): DebtRunner {
  return new DebtRunner({ ...parts, service: 'approval', effects: approvalEffects(parts) });
}

/** The approval service: what waits for people, their grants and vetoes. */
@Module({})
export class ApprovalModule {
  static with(parts: Pick<ApprovalParts, 'host' | 'key' | 'clock'>): DynamicModule {
    return {
      module: ApprovalModule,
      controllers: [ApprovalController, ApprovalPageController],
      providers: [
        { provide: LaneHost, useValue: parts.host },
        { provide: Approvals, useValue: new Approvals(parts) },
      ],
    };
  }
}
