import type { Service } from '@countersign/contracts';
import { Fault } from '@countersign/kernel';
import { type WalletDebt, laneOf, owedForWallets } from '@countersign/payment';
import type { DutyShares } from '@countersign/ports';
import type { LaneHost } from './lane-host.ts';
import type { Log } from './logger.ts';
import { Refused } from './refusal.ts';
import type { Timers } from './timers.ts';

/**
 * Pays one kind of a wallet's debts, under the conditions of a payment's effects: it may run twice or on two machines,
 * and ends in a record. Looked at again when control moves, or after the time it returns.
 */
export type WalletEffect = (
  tenant: string,
  debt: WalletDebt,
) => Promise<{ readonly againAfterMs: number }>;

/** Effects of a service by kind of debt. */
export type WalletEffects = { readonly [K in WalletDebt['kind']]?: WalletEffect };

export interface WalletDebtRunnerOptions {
  readonly service: Service;
  readonly host: LaneHost;
  readonly effects: WalletEffects;
  /** Networks on which smart accounts are to stand. */
  readonly networks: Iterable<string>;
  readonly timers: Timers;
  readonly log: Log;
  /** The lanes whose debts are ours; a wallet is in none, and is given to whoever has the one its name falls into. */
  readonly duty?: DutyShares;
}

const RETRY_MIN_MS = 1_000;
const RETRY_MAX_MS = 60_000;
/** A look may itself move control, without paying the debt: what control brings is looked at no more often than this. */
const REST_MS = 100;

interface Job {
  running: boolean;
  failures: number;
  cancelTimer: (() => void) | undefined;
  /** Control has moved since the last look, which is too short a time ago for another. */
  isWanted: boolean;
  /** Ends the rest after a look; undefined when there is none. */
  cancelRest: (() => void) | undefined;
}

/** Runs one service's debts of wallets: keys to be made, accounts to be deployed and handed over. */
export class WalletDebtRunner {
  readonly #options: WalletDebtRunnerOptions;
  readonly #jobs = new Map<string, Job>();
  #stop: (() => void) | undefined;

  constructor(options: WalletDebtRunnerOptions) {
    this.#options = options;
  }

  start(): void {
    const { host, duty } = this.#options;
    const stops = [host.onControl(() => this.#consider()), duty?.onChange(() => this.#consider())];
    this.#stop = () => stops.forEach((stop) => stop?.());
    this.#consider();
  }

  /** Takes up nothing more; what runs finds the log closed, and is still owed. */
  stop(): void {
    this.#stop?.();
    this.#stop = undefined;
    for (const job of this.#jobs.values()) cancel(job);
    this.#jobs.clear();
  }

  #consider(): void {
    if (!this.#stop) return;
    const { host } = this.#options;
    for (const tenant of host.control.tenants.keys())
      for (const debt of this.#owed(tenant)) {
        const job = this.#jobOf(tenant, debt);
        if (job.running || job.failures > 0) continue;
        if (job.cancelRest) job.isWanted = true;
        else void this.#pay(tenant, debt, job);
      }
  }

  #owed(tenant: string): readonly WalletDebt[] {
    const { host, networks, service, effects } = this.#options;
    const view = host.control.tenants.get(tenant);
    const debts = view ? owedForWallets(view, networks) : [];
    return debts.filter(
      (debt) => debt.service === service && effects[debt.kind] && this.#isOurs(tenant, debt),
    );
  }

  #isOurs(tenant: string, { wallet }: WalletDebt): boolean {
    const { duty, host } = this.#options;
    return duty?.holds(laneOf(tenant, wallet, host.lanes.length)) ?? true;
  }

  #jobOf(tenant: string, debt: WalletDebt): Job {
    const key = keyOf(tenant, debt);
    const job = this.#jobs.get(key) ?? {
      ...{ running: false, failures: 0, isWanted: false },
      ...{ cancelTimer: undefined, cancelRest: undefined },
    };
    this.#jobs.set(key, job);
    return job;
  }

  async #pay(tenant: string, debt: WalletDebt, job: Job): Promise<void> {
    cancel(job);
    Object.assign(job, { running: true, isWanted: false });
    const againAfterMs = await this.#attempt(tenant, debt, job);
    job.running = false;
    const still = this.#owed(tenant).some((it) => keyOf(tenant, it) === keyOf(tenant, debt));
    if (!this.#stop || !still) {
      this.#jobs.delete(keyOf(tenant, debt));
      return;
    }
    const { timers } = this.#options;
    const again = () => {
      if (!job.running) void this.#pay(tenant, debt, job);
    };
    job.cancelTimer = timers.after(againAfterMs, again);
    job.cancelRest = timers.after(REST_MS, () => {
      job.cancelRest = undefined;
      if (job.isWanted && job.failures === 0) again();
    });
  }

  async #attempt(tenant: string, debt: WalletDebt, job: Job): Promise<number> {
    const { effects, log } = this.#options;
    try {
      const result = await effects[debt.kind]?.(tenant, debt);
      job.failures = 0;
      return result?.againAfterMs ?? RETRY_MAX_MS;
    } catch (error) {
      job.failures += 1;
      const expected = error instanceof Fault || error instanceof Refused;
      const { wallet, kind, network } = debt;
      const about = { wallet, debt: kind, network };
      if (expected) log.warn({ ...about, code: error.code }, error.message);
      else log.error({ ...about, err: error }, 'a debt of a wallet could not be paid');
      return Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** Math.min(job.failures - 1, 10));
    }
  }
}

function cancel(job: Job): void {
  job.cancelTimer?.();
  job.cancelRest?.();
  Object.assign(job, { cancelTimer: undefined, cancelRest: undefined });
}

function keyOf(tenant: string, { kind, wallet, network }: WalletDebt): string {
  return `${tenant}/${wallet}/${kind}/${network ?? ''}`;
}
