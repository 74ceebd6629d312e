import { Fault } from '@countersign/kernel';
import { type TenantAlert, tenantAlertsOwed } from '@countersign/payment';
import type { Notifier } from '@countersign/ports';
import { type LaneHost, type Log, Refused, type Timers } from '@countersign/service-kit';

const RETRY_MS = 2_000;
/** Characters told of what it is about. */
const ABOUT_MAX = 1_000;

export interface TenantAlertsParts {
  readonly host: LaneHost;
  readonly notifier: Notifier;
  readonly timers: Timers;
  readonly log: Log;
}

const TITLES: Readonly<Record<TenantAlert['code'], string>> = {
  unlogged_outflow: 'Wallet frozen: what it signed or paid is in no record',
  wallet_revoked: 'Wallet revoked for good: its key is to be destroyed',
  log_restored: 'Everything is stopped: the log is an older copy of itself',
  change_scheduled: 'Something will be looser, unless somebody cancels it',
  facilitator_failing: 'Payments presented to a facilitator come to nothing',
};

/** Tells people what is not about one payment, then records that they were told; in between, it may be told twice. */
export class TenantAlerts {
  readonly #parts: TenantAlertsParts;
  readonly #running = new Set<string>();
  #stop: (() => void) | undefined;

  constructor(parts: TenantAlertsParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#stop = this.#parts.host.onControl(() => this.#tellAll());
    this.#tellAll();
  }

  stop(): void {
    this.#stop?.();
    this.#stop = undefined;
  }

  #tellAll(): void {
    if (!this.#stop) return;
    for (const alert of tenantAlertsOwed(this.#parts.host.control)) void this.#tell(alert);
  }

  async #tell({ tenant, subject, code, severity, about }: TenantAlert): Promise<void> {
    const { host, notifier, timers, log } = this.#parts;
    const id = `${tenant}/${subject}/${code}`;
    if (this.#running.has(id)) return;
    this.#running.add(id);
    try {
      const facts = about === null ? [] : [{ name: 'About', value: about.slice(0, ABOUT_MAX) }];
      await notifier.notify({ id, kind: 'alert', tenant, title: TITLES[code], facts });
      await host.appendControl('alert.sent', { tenant, subject, code, severity }, { cause: id });
    } catch (error) {
      if (!(error instanceof Fault) && !(error instanceof Refused)) throw error;
      log.warn({ tenant, subject, code: error.code }, 'an alert was not taken; trying again');
      timers.after(RETRY_MS, () => this.#tellAll());
    } finally {
      this.#running.delete(id);
    }
  }
}
