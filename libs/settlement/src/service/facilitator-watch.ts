import { Fault } from '@countersign/kernel';
import { facilitatorOf, tenantOf } from '@countersign/payment';
import type { Clock, StatementKey } from '@countersign/ports';
import { type LaneHost, type Log, Refused, signStatement } from '@countersign/service-kit';
import { breakerFor, facilitatorsSeen } from './facilitators.ts';

export interface FacilitatorWatchParts {
  readonly host: LaneHost;
  readonly key: StatementKey;
  readonly clock: Clock;
  readonly log: Log;
}

/** Records that a facilitator's breaker has opened, so that people are told. What follows from it follows without it. */
export class FacilitatorWatch {
  readonly #parts: FacilitatorWatchParts;
  readonly #running = new Set<string>();
  #stop: (() => void) | undefined;

  constructor(parts: FacilitatorWatchParts) {
    this.#parts = parts;
  }

  start(): void {
    const { host, clock } = this.#parts;
    this.#stop = host.onTouched((payments) => {
      for (const payment of payments)
        if (payment.phase.status === 'ended' && payment.phase.how === 'void')
          void this.#look(payment.tenant, facilitatorOf(payment));
    });
    for (const tenant of host.control.tenants.keys())
      for (const { facilitator } of facilitatorsSeen(host, tenant, clock.nowMs()))
        void this.#look(tenant, facilitator);
  }

  stop(): void {
    this.#stop?.();
    this.#stop = undefined;
  }

  async #look(tenant: string, facilitator: string): Promise<void> {
    const { host, key, clock, log } = this.#parts;
    const name = `${tenant}/${facilitator}`;
    const breaker = breakerFor(host, { tenant, facilitator }, clock.nowMs());
    const known = tenantOf(host.control, tenant).trips.get(facilitator);
    if (breaker.state === 'closed' || this.#running.has(name)) return;
    if (known !== undefined && known >= breaker.sinceMs) return;
    this.#running.add(name);
    try {
      const { why, sinceMs, untilMs } = breaker;
      const cause = `${name}/${sinceMs}`;
      const statement = { tenant, facilitator, why, sinceMs, untilMs };
      const data = await signStatement(key, 'facilitator.tripped', statement, cause);
      await host.appendControl('facilitator.tripped', data, { cause });
    } catch (error) {
      // The next payment that runs out looks again.
      if (!(error instanceof Fault) && !(error instanceof Refused))
        log.error({ tenant, facilitator, err: error }, 'a bug kept an open breaker unrecorded');
      else log.warn({ tenant, facilitator, code: error.code }, 'an open breaker is not recorded');
    } finally {
      this.#running.delete(name);
    }
  }
}
