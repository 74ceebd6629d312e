import type { Clock, Notifier } from '@countersign/ports';
import { DebtRunner, type LaneHost, type Log, type Timers } from '@countersign/service-kit';
import { alertEffect } from './service/alert.effect.ts';

/** What alerting owes: every alert the state calls for, raised once. */
export function alertingDuty(parts: {
  readonly host: LaneHost;
  readonly notifier: Notifier;
  readonly pageUrl: string;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
}): DebtRunner {
  return new DebtRunner({ ...parts, service: 'alerting', effects: { alert: alertEffect(parts) } });
}
