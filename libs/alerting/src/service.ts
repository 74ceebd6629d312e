import type { Clock, Notifier } from '@countersign/ports';
import {
  DebtRunner,
  type Duty,
  type LaneHost,
  type Log,
  type Timers,
} from '@countersign/service-kit';
import { alertEffect } from './service/alert.effect.ts';
import { TaskAlerts } from './service/task-alerts.ts';

/** What alerting owes: every alert that payments and tasks call for, raised once. */
export function alertingDuty(parts: {
  readonly host: LaneHost;
  readonly notifier: Notifier;
  readonly pageUrl: string;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
}): Duty {
  const effects = { alert: alertEffect(parts) };
  const payments = new DebtRunner({ ...parts, service: 'alerting', effects });
  const tasks = new TaskAlerts(parts);
  return {
    start() {
      payments.start();
      tasks.start();
    },
    async stop() {
      await Promise.all([payments.stop(), tasks.stop()]);
    },
  };
}
