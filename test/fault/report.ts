import type { Verdict } from './checks.ts';
import type { Injected } from './injector.ts';
import { FAULT_KINDS, type FaultKind } from './plan.ts';

const WRONG_SHOWN = 20;
const LINE_EACH_MS = 15_000;

/** One moving line on a terminal; a line now and then in a log. */
export class Progress {
  readonly #startedMs = performance.now();
  #saidAtMs = -Infinity;

  get seconds(): number {
    return Math.round((performance.now() - this.#startedMs) / 1_000);
  }

  doing(text: string): void {
    this.#clear();
    console.log(`${String(this.seconds).padStart(5)} s  ${text}`);
  }

  now(text: string): void {
    if (process.stderr.isTTY)
      process.stderr.write(`\r\x1b[K${String(this.seconds).padStart(5)} s  ${text}`);
    else if (performance.now() - this.#saidAtMs > LINE_EACH_MS) {
      this.#saidAtMs = performance.now();
      this.doing(text);
    }
  }

  #clear(): void {
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
  }
}

export function faultTable(injected: readonly Injected[]): string[] {
  const lines = [`  ${'fault'.padEnd(20)} ${'done'.padStart(5)}  of which too late`];
  const countOf = (kind: FaultKind, missed?: boolean) =>
    injected.filter(
      (it) => it.planned.fault.kind === kind && (missed === undefined || it.missed === missed),
    ).length;
  for (const kind of FAULT_KINDS) {
    if (countOf(kind) === 0) continue;
    const missed = countOf(kind, true);
    lines.push(
      `  ${kind.padEnd(20)} ${String(countOf(kind)).padStart(5)}  ${missed > 0 ? missed : ''}`.trimEnd(),
    );
  }
  lines.push(`  ${'together'.padEnd(20)} ${String(injected.length).padStart(5)}`);
  return lines;
}

export function verdictLines(verdicts: readonly Verdict[]): string[] {
  return verdicts.flatMap(({ invariant, looked, wrong }) => {
    const mark = wrong.length === 0 ? 'ok   ' : 'WRONG';
    const about = [looked, wrong.length > 0 ? `${wrong.length} wrong` : ''].filter(Boolean);
    return [
      `  ${mark} ${invariant}${about.length > 0 ? `: ${about.join('; ')}` : ''}`,
      ...wrong.slice(0, WRONG_SHOWN).map((line) => `          ${line}`),
    ];
  });
}
