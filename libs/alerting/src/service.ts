import type { Notifier } from '@countersign/ports';
import { DebtRunner, type Duty, type LaneHost, type Shell } from '@countersign/service-kit';
import { alertEffect } from './service/alert.effect.ts';
import { TaskAlerts } from './service/task-alerts.ts';
import { TenantAlerts } from './service/tenant-alerts.ts';

/** What alerting owes: every alert that payments, tasks and whole tenants call for, raised once. */
export function alertingDuty(
  parts: Shell & {
    readonly host: LaneHost;
    readonly notifier: Notifier;
    readonly pageUrl: string;
  },
): Duty {
  const effects = { alert: alertEffect(parts) };
  const payments = new DebtRunner({ ...parts, service: 'alerting', effects });
  const tasks = new TaskAlerts(parts);
  const tenants = new TenantAlerts(parts);
  return {
    start() {
      payments.start();
      tasks.start();
      tenants.start();
    },
    async stop() {
      tenants.stop();
      await Promise.all([payments.stop(), tasks.stop()]);
    },
  };
}
