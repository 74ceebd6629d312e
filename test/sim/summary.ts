import { statusOf } from '@countersign/service-kit';
import type { Outcome } from './run.ts';

/** What happened in one run or several, added up. */
export class Summary {
  readonly payments = new Map<string, number>();
  readonly events = new Map<string, number>();
  readonly ignored = new Map<string, number>();
  records = 0;
  steps = 0;
  simulatedMs = 0;
  runs = 0;

  add({ world, steps, stepsAfter, simulatedMs }: Outcome): void {
    this.runs += 1;
    this.steps += steps + stepsAfter;
    this.simulatedMs += simulatedMs;
    for (const payment of world.history.payments()) count(this.payments, statusOf(payment), 1);
    for (const [kind, times] of world.weather.counts) count(this.events, kind, times);
    for (const { applied, code } of [...world.history.lanes, world.history.control].flat()) {
      this.records += 1;
      if (!applied) count(this.ignored, code ?? 'unknown', 1);
    }
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
