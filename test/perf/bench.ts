import { hrtime, memoryUsage } from 'node:process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** One measured line: what, how much, and how it compares with its other side in the same run. */
export interface Line {
  readonly what: string;
  readonly figure: string;
  /** The other side, and the ratio to it. */
  readonly beside?: string;
  readonly aim?: string;
}

export interface Bench {
  readonly title: string;
  /** What was measured, in a sentence or two, with what limits it. */
  readonly about: string;
  run(tell: (progress: string) => void, size: Size, asked: Asked): Promise<readonly Line[]>;
}

/** How much of it somebody asked for; what is left out is as the size has it. */
export interface Asked {
  readonly paymentsMax?: number;
  readonly records?: number;
}

/** `full` is what is published; `quick` shows within seconds that a bench still runs. */
export type Size = 'quick' | 'full';

/** A directory that is removed when the work is over. */
export async function inDirectory<T>(work: (path: string) => Promise<T>): Promise<T> {
  const path = mkdtempSync(join(tmpdir(), 'countersign-bench-'));
  try {
    return await work(path);
  } finally {
    rmSync(path, { recursive: true, force: true });
  }
}

export async function secondsOf(work: () => unknown): Promise<number> {
  const start = hrtime.bigint();
  await work();
  return Number(hrtime.bigint() - start) / 1e9;
}

/**
 * Nanoseconds of one call of each of several functions, in the best of some rounds: what else the machine does only ever
 * adds to it. They take turns round by round, so that it adds to all alike.
 */
export function nanosOfEach<Name extends string>(
  calls: Readonly<Record<Name, (index: number) => unknown>>,
  count: number,
  rounds = 25,
): Record<Name, number> {
  const names = Object.keys(calls) as Name[];
  const best = Object.fromEntries(names.map((name) => [name, Infinity])) as Record<Name, number>;
  for (let round = 0; round < rounds; round += 1)
    for (const name of names) {
      const call = calls[name];
      const start = hrtime.bigint();
      for (let index = 0; index < count; index += 1) call(index);
      best[name] = Math.min(best[name], Number(hrtime.bigint() - start) / count);
    }
  return best;
}

export function quantile(values: readonly number[], at: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * at))] ?? Number.NaN;
}

/** Heap in use after a collection, in MiB; needs `--expose-gc`. */
export function heapMiB(): number {
  globalThis.gc?.();
  return memoryUsage().heapUsed / 2 ** 20;
}

export const rate = (count: number, seconds: number) => Math.round(count / seconds);
export const thousands = (value: number) => Math.round(value).toLocaleString('en-US');
export const times = (ratio: number) => `${ratio.toFixed(2)}x`;
