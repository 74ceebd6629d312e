import type { Limit, Reading, ReservationAnswer, Window } from '@countersign/contracts';
import { pickTier } from '@countersign/contracts';
import { calendarSpan, unreachable } from '@countersign/kernel';
import type { Candidates } from './plan.ts';

interface Counter {
  readonly times: number[];
  /** Sums up to and with each entry. */
  readonly sums: bigint[];
}

/**
 * Counters of payments that are all spent at once, in memory: for trying a policy on payments in the order of their time.
 * It is no budget store; nothing is reserved in it, and nothing kept.
 */
export class Ledger {
  readonly #counters = new Map<string, Counter>();

  /** Answers as a budget store would, and spends the payment where a tier takes it. */
  reserve(plan: Candidates, atMs: number): ReservationAnswer {
    const limits = [...plan.always, ...plan.tiers.flatMap((tier) => tier.limits)];
    const readings = limits.map((limit) => this.#reading(limit, atMs));
    const byId = new Map(readings.map((reading) => [reading.limitId, reading]));
    const name = pickTier(plan, byId, plan.amount);
    const tier = plan.tiers.find((it) => it.name === name);
    if (tier)
      for (const scope of new Set([...plan.scopes, tier.scope]))
        this.#add(scope, atMs, plan.amount);
    return { epoch: 0, sequence: 0, atMs, tier: name, readings };
  }

  #add(scope: string, atMs: number, amount: bigint): void {
    const counter = this.#counters.get(scope) ?? { times: [], sums: [] };
    this.#counters.set(scope, counter);
    counter.times.push(atMs);
    counter.sums.push((counter.sums.at(-1) ?? 0n) + amount);
  }

  #reading({ id, scope, window }: Limit, atMs: number): Reading {
    const { times, sums } = this.#counters.get(scope) ?? { times: [], sums: [] };
    const first =
      window.kind === 'payment' ? times.length : firstAfter(times, lastBefore(window, atMs));
    return {
      limitId: id,
      scope,
      committed: String((sums.at(-1) ?? 0n) - (first === 0 ? 0n : (sums[first - 1] ?? 0n))),
      open: '0',
      committedCount: times.length - first,
      openCount: 0,
    };
  }
}

function lastBefore(window: Window, atMs: number): number {
  switch (window.kind) {
    case 'rolling':
      return atMs - window.seconds * 1_000;
    case 'calendar':
      return calendarSpan(window.unit, window.timeZone, atMs).fromMs - 1;
    case 'payment':
    case 'lifetime':
      return -1;
    default:
      return unreachable(window);
  }
}

/** Index of the first of ascending times that is later. */
function firstAfter(times: readonly number[], atMs: number): number {
  let [low, high] = [0, times.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((times[middle] ?? 0) > atMs) high = middle;
    else low = middle + 1;
  }
  return low;
}
