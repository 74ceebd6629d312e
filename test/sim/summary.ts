import { statusOf } from '@countersign/service-kit';
import type { Outcome } from './run.ts';
import { holdGroup } from './turns.ts';
import { FAULT_KINDS } from './weather.ts';

/** How payments end in any longer simulation: one in which none ends so shows nothing about it. */
const ENDINGS = ['settled', 'void', 'denied', 'vetoed', 'expired', 'canceled', 'frozen'];
const LONG_STEPS = 40_000;

/** What strikes in a simulation of a whole group of seeds that is as long as the one of `npm test`. */
export const STRIKES: readonly string[] = [
  ...FAULT_KINDS,
  'log restored',
  "policy's key stolen",
  "approval's key stolen",
  'accounts handed over',
  'agent set aside',
  'our breaker opened',
];
const WHOLE_STEPS = 200_000;

/** A summary as one thread hands it to another. */
export type Counted = Pick<
  Summary,
  'payments' | 'events' | 'ignored' | 'seeds' | 'records' | 'steps' | 'simulatedMs'
>;

/** What happened in one run or several, added up. */
export class Summary {
  readonly payments = new Map<string, number>();
  readonly events = new Map<string, number>();
  readonly ignored = new Map<string, number>();
  readonly seeds = new Set<number>();
  records = 0;
  steps = 0;
  simulatedMs = 0;

  add({ seed, world, steps, stepsAfter, simulatedMs }: Outcome): void {
    const { lanes, control, archive } = world.history;
    this.seeds.add(seed);
    this.steps += steps + stepsAfter;
    this.simulatedMs += simulatedMs;
    for (const payment of world.history.payments()) {
      const kind = payment.intent.kind === 'payment' ? '' : `${payment.intent.kind} `;
      count(this.payments, `${kind}${statusOf(payment)}`, 1);
    }
    for (const [kind, times] of world.weather.counts) count(this.events, kind, times);
    for (const { event, applied } of control)
      if (applied && event?.name === 'wallet.rotated')
        count(this.events, 'accounts handed over', 1);
    for (const { applied, code } of [...lanes, control, archive].flat()) {
      this.records += 1;
      if (!applied) count(this.ignored, code ?? 'unknown', 1);
    }
  }

  counted(): Counted {
    const { payments, events, ignored, seeds, records, steps, simulatedMs } = this;
    return { payments, events, ignored, seeds, records, steps, simulatedMs };
  }

  /** Adds what another thread counted. */
  include(other: Counted): void {
    this.records += other.records;
    this.steps += other.steps;
    this.simulatedMs += other.simulatedMs;
    for (const seed of other.seeds) this.seeds.add(seed);
    for (const of of ['payments', 'events', 'ignored'] as const)
      for (const [name, times] of other[of]) count(this[of], name, times);
  }

  /** Endings that a simulation of this length should have reached and did not. */
  unreached(): string[] {
    if (this.steps < LONG_STEPS) return [];
    return ENDINGS.filter((ending) => !this.payments.has(ending));
  }

  /** Faults that a simulation of these seeds and this length should have had and did not. */
  unstruck(): string[] {
    if (this.steps < WHOLE_STEPS || !holdGroup(this.seeds)) return [];
    return STRIKES.filter((strike) => !this.events.has(strike));
  }

  /** For people: what was simulated, how payments ended, what went wrong on the way. */
  lines(): string[] {
    const { payments, events, ignored, records, simulatedMs } = this;
    const minutes = Math.round(simulatedMs / 60_000);
    return [
      `${sum(payments)} payments and ${records} records in ${minutes} simulated minutes`,
      `payments: ${listed(payments)}`,
      `faults and acts: ${listed(events)}`,
      `ignored records: ${listed(ignored)}`,
    ];
  }
}

function count(counts: Map<string, number>, name: string, times: number): void {
  counts.set(name, (counts.get(name) ?? 0) + times);
}

function sum(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((total, it) => total + it, 0);
}

function listed(counts: ReadonlyMap<string, number>): string {
  const sorted = [...counts].sort(([, a], [, b]) => b - a);
  return sorted.map(([name, times]) => `${name} ${times}`).join(', ') || 'none';
}
