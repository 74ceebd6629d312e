import { randomBytes } from 'node:crypto';
import type { EventData } from '@countersign/contracts';
import { type PendingChange, tenantOf } from '@countersign/payment';
import type { Clock, StatementKey } from '@countersign/ports';
import {
  type LaneHost,
  type Log,
  type ReadBack,
  type Timers,
  signStatement,
} from '@countersign/service-kit';

const RETRY_MS = 500;
/** Who cancels what can no longer be made. */
const ITSELF = 'policy';

export interface EnactingParts {
  readonly host: LaneHost;
  readonly key: StatementKey;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
}

/**
 * Brings changes into force whose wait is over. Every replica does; the fold takes the first record at or after the due
 * time, and knows no such change when the second one comes.
 */
export class Enacting {
  readonly #parts: EnactingParts;
  /** By change: how to end the wait for it. */
  readonly #waiting = new Map<string, () => void>();
  #stop: (() => void) | undefined;

  constructor(parts: EnactingParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#stop = this.#parts.host.onControl(() => this.#look());
    this.#look();
  }

  stop(): void {
    this.#stop?.();
    this.#stop = undefined;
    for (const cancel of this.#waiting.values()) cancel();
    this.#waiting.clear();
  }

  #look(): void {
    for (const [tenant, { changes }] of this.#parts.host.control.tenants)
      for (const pending of changes.values())
        if (!this.#waiting.has(pending.id))
          this.#await(tenant, pending, pending.dueAtMs - this.#parts.clock.nowMs());
  }

  #await(tenant: string, pending: PendingChange, delayMs: number): void {
    if (!this.#stop) return;
    const enact = () => void this.#enact(tenant, pending);
    this.#waiting.set(pending.id, this.#parts.timers.after(Math.max(0, delayMs), enact));
  }

  async #enact(tenant: string, pending: PendingChange): Promise<void> {
    const { host, log, clock } = this.#parts;
    const waits = () => tenantOf(host.control, tenant).changes.has(pending.id);
    const about = { tenant, change: pending.id, kind: pending.change.kind };
    const leftMs = pending.dueAtMs - clock.nowMs();
    try {
      // A timer holds no more than some weeks, and may be early.
      if (waits() && leftMs <= 0) {
        const { applied, code } = await this.#append(tenant, pending);
        if (applied) log.info(about, 'a change came into force after its wait');
        else if (code !== 'too_early' && waits()) await this.#cancel(tenant, pending.id);
      }
    } catch (error) {
      log.warn({ ...about, err: error }, 'a change could not be made yet; trying again');
    }
    this.#waiting.delete(pending.id);
    if (waits()) this.#await(tenant, pending, Math.max(RETRY_MS, leftMs));
  }

  /** Each attempt is a record of its own: one that came too early has used up its id. */
  async #append(tenant: string, { id, change, by, loosens }: PendingChange): Promise<ReadBack> {
    const cause = `change/${id}/${randomBytes(8).toString('hex')}`;
    const { kind, ...rest } = change;
    const told = kind === 'policy.activated' ? { loosens: [...loosens] } : {};
    const statement = { ...rest, ...told, tenant, by, scheduled: id } as unknown as Omit<
      EventData<typeof kind>,
      'signature'
    >;
    const data = await signStatement(this.#parts.key, kind, statement, cause);
    return this.#parts.host.appendControl(kind, data, { cause });
  }

  /** What was changed meanwhile may stand against it for good, such as a name that was taken. */
  async #cancel(tenant: string, change: string): Promise<void> {
    const cause = `change/${change}/canceled`;
    const data = await signStatement(
      this.#parts.key,
      'change.canceled',
      { tenant, change, by: ITSELF },
      cause,
    );
    await this.#parts.host.appendControl('change.canceled', data, { cause });
    this.#parts.log.warn({ tenant, change }, 'a change can no longer be made, and is canceled');
  }
}
