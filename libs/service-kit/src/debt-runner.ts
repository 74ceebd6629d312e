import type { Service } from '@countersign/contracts';
import { Fault, InvariantViolation } from '@countersign/kernel';
import {
  type Agent,
  type Debt,
  type Payment,
  agentOf,
  laneOfPayment,
  owed,
} from '@countersign/payment';
import type { Clock, DutyShares } from '@countersign/ports';
import type { LaneHost } from './lane-host.ts';
import type { Log } from './logger.ts';
import { Refused } from './refusal.ts';
import type { Timers } from './timers.ts';
import { IDLE, traced } from './tracing.ts';

/** What an effect learnt: nothing more to do until the state changes, or look again later. */
export type EffectResult = { readonly againAfterMs: number } | void;

/**
 * Pays one kind of debt. It runs outside the fold, may run twice or on two machines at once, and must be harmless then:
 * it ends in a record, and only the fold says whether that record counted.
 */
export type Effect = (payment: Payment, debt: Debt) => Promise<EffectResult>;

/** Effects of a service by kind of debt: the explicit list of what it reacts to. */
export type Effects = { readonly [K in Debt['kind']]?: Effect };

const SERVICE = 'countersign.service';
const RETRY_MIN_MS = 50;
const RETRY_MAX_MS = 5_000;
/** A lane whose clock runs ahead of ours by more than this is not acted upon. */
const AHEAD_MAX_MS = 2_000;

interface Job {
  payment: Payment;
  running: boolean;
  /** The state changed while an effect ran. */
  stale: boolean;
  failures: number;
  cancelTimer: (() => void) | undefined;
}

/** Work a service has taken up for as long as its process runs. */
export interface Duty {
  start(): void;
  /** Resolves when nothing of it runs any more; what it leaves undone is still owed. */
  stop(): Promise<void>;
}

/** Runs one service's debts: one effect at a time per payment, every payment on its own. */
export class DebtRunner implements Duty {
  readonly #jobs = new Map<string, Job>();
  readonly #options: RunnerOptions;
  #stop: (() => void) | undefined;
  #running = 0;
  #idle: PromiseWithResolvers<void> | undefined;

  constructor(options: RunnerOptions) {
    this.#options = options;
  }

  /** Takes up every debt the state owes now, and each new one as it arises. */
  start(): void {
    const { host, duty } = this.#options;
    const stops = [
      host.onTouched((payments) => {
        for (const payment of payments) this.#consider(payment);
      }),
      duty?.onChange(() => this.#considerAll()),
    ];
    this.#stop = () => stops.forEach((stop) => stop?.());
    this.#considerAll();
  }

  /** Lanes may have been given to us or taken away. */
  #considerAll(): void {
    for (const lane of this.#options.host.lanes)
      for (const agent of lane.agents.values())
        for (const payment of agent.payments.values()) this.#consider(payment);
  }

  /** Stops taking up debts and waits for the effects that run. What they leave undone is still owed. */
  async stop(): Promise<void> {
    this.#stop?.();
    this.#stop = undefined;
    for (const job of this.#jobs.values()) job.cancelTimer?.();
    this.#jobs.clear();
    if (this.#running === 0) return;
    this.#idle ??= Promise.withResolvers();
    await this.#idle.promise;
  }

  #consider(payment: Payment): void {
    const known = this.#jobs.get(payment.id);
    if (this.#mine(payment).length === 0) {
      known?.cancelTimer?.();
      if (known && !known.running) this.#jobs.delete(payment.id);
      else if (known) Object.assign(known, { payment, stale: true });
      return;
    }
    const job: Job = known ?? {
      payment,
      running: false,
      stale: false,
      failures: 0,
      cancelTimer: undefined,
    };
    this.#jobs.set(payment.id, job);
    if (job.payment !== payment) job.failures = 0;
    job.payment = payment;
    if (job.running) job.stale = true;
    else this.#schedule(job, 0);
  }

  #mine(payment: Payment): readonly Debt[] {
    const { service, effects, duty } = this.#options;
    if (duty && !duty.holds(laneOfPayment(payment.id))) return [];
    return owed(payment).filter((debt) => debt.service === service && effects[debt.kind]);
  }

  /** Waits `delayMs` for what is due already, and no longer than until the next debt falls due. */
  #schedule(job: Job, delayMs: number): void {
    job.cancelTimer?.();
    job.cancelTimer = undefined;
    const nowMs = this.#options.clock.nowMs();
    const waits = this.#mine(job.payment).map(({ dueAtMs }) =>
      dueAtMs <= nowMs ? delayMs : dueAtMs - nowMs,
    );
    const waitMs = Math.min(...waits);
    if (waitMs > 0) job.cancelTimer = this.#options.timers.after(waitMs, () => this.#run(job));
    else this.#run(job);
  }

  #run(job: Job): void {
    if (!this.#stop || job.running) return;
    job.cancelTimer = undefined;
    const lane = this.#options.host.laneFor(job.payment.tenant, job.payment.agent);
    const agent: Agent = agentOf(lane, job.payment.tenant, job.payment.agent);
    if (agent.quarantined) return;
    const nowMs = this.#options.clock.nowMs();
    if (lane.atMs > nowMs + AHEAD_MAX_MS) return this.#schedule(job, RETRY_MAX_MS);
    const debts = this.#mine(job.payment);
    if (debts.length === 0) {
      this.#jobs.delete(job.payment.id);
      return;
    }
    const debt = debts.find((it) => it.dueAtMs <= nowMs);
    if (!debt) return this.#schedule(job, 0);
    job.running = true;
    job.stale = false;
    this.#running += 1;
    void this.#pay(job, debt).then((againAfterMs) => {
      job.running = false;
      this.#running -= 1;
      if (this.#running === 0) this.#idle?.resolve();
      if (!this.#stop || againAfterMs === null) return;
      if (this.#mine(job.payment).length === 0) this.#jobs.delete(job.payment.id);
      else this.#schedule(job, job.stale ? 0 : againAfterMs);
    });
  }

  /** Milliseconds until the debt is looked at again if nothing changes; null when a bug stopped the payment's work. */
  async #pay(job: Job, debt: Debt): Promise<number | null> {
    const { effects, log, meter, onBug } = this.#options;
    const { id } = job.payment;
    try {
      const about = { payment: id, owed: true, attributes: { [SERVICE]: debt.service } } as const;
      const result = await traced(`debt ${debt.kind}`, about, async (span) => {
        const learnt = await effects[debt.kind]?.(job.payment, debt);
        if (learnt) span?.setAttribute(IDLE, true);
        return learnt;
      });
      job.failures = 0;
      meter?.paid(debt.kind);
      return result ? result.againAfterMs : RETRY_MAX_MS;
    } catch (error) {
      if (error instanceof Fault || error instanceof Refused) {
        job.failures += 1;
        meter?.failed(debt.kind, error.code);
        log.warn({ payment: id, debt: debt.kind, code: error.code }, error.message);
        return Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** Math.min(job.failures, 10));
      }
      const bug =
        error instanceof Error ? error : new InvariantViolation(`thrown: ${String(error)}`);
      meter?.failed(debt.kind, 'bug');
      log.error({ payment: id, debt: debt.kind, err: bug }, 'a bug stopped work on this payment');
      onBug?.(bug);
      return null;
    }
  }
}

/** Counts what became of debts. */
export interface Meter {
  /** An effect ran to its end. */
  paid(kind: string): void;
  /** An effect ended in a fault or a refusal with this code, and is tried again; `bug` is not. */
  failed(kind: string, code: string): void;
}

/** What every service's duty needs of the process it runs in. */
export interface Shell {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
  /** The lanes whose debts are ours, where replicas share them; without it all are. */
  readonly duty?: DutyShares;
  readonly meter?: Meter;
}

export interface RunnerOptions extends Shell {
  readonly service: Service;
  readonly host: LaneHost;
  readonly effects: Effects;
  /** Told of each bug; the payment is left alone, others go on. */
  readonly onBug?: (bug: Error) => void;
}
