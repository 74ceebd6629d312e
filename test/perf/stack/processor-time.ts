import { readFileSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/** Of the kernel's clock that /proc counts in: a hundred a second on every Linux that Node runs on. */
const TICKS_EACH_SECOND = 100;
const NAMES: readonly (readonly [RegExp, string])[] = [
  [/apps\/(\w+)\/src\/main\.ts/, '$1'],
  [/kafka\.Kafka/, 'Kafka'],
  [/redis-server/, 'Redis'],
  [/postgres|pgbench/, 'PostgreSQL'],
  [/vault/, 'Vault'],
  [/anvil/, 'the chain'],
];
const OURS = 'caller and ingress';

/** Seconds of processor time by name of process: this one and all it started, threads included. */
export type ProcessorTime = ReadonlyMap<string, number>;

interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly seconds: number;
}

/** What this process and everything it started have used so far; those that ended are left out. */
export function processorTime(): ProcessorTime {
  const processes = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => processAt(Number(pid)));
  const used = new Map<string, number>();
  for (const { pid, seconds } of descendantsOf(process.pid, processes)) {
    const name = pid === process.pid ? OURS : nameOf(pid);
    used.set(name, (used.get(name) ?? 0) + seconds);
  }
  return used;
}

/**
 * What was used since `before`, as people read it: `21 ms of processor time each, 94 % of 2 cores: Kafka 8 ms, ...`, the
 * largest first.
 *
 * @param work.count of the payments that it was used for, in so many seconds.
 */
export function usedSince(
  before: ProcessorTime,
  work: { readonly seconds: number; readonly count: number },
): string {
  const used = [...processorTime()]
    .map(([name, seconds]) => [name, seconds - (before.get(name) ?? 0)] as const)
    .sort(([, one], [, other]) => other - one);
  const total = used.reduce((sum, [, seconds]) => sum + seconds, 0);
  const each = (seconds: number) => ((seconds * 1_000) / work.count).toFixed(1);
  const percent = ((total / work.seconds / availableParallelism()) * 100).toFixed(0);
  const parts = used
    .filter(([, seconds]) => seconds > total / 100)
    .map(([name, seconds]) => `${name} ${each(seconds)} ms`);
  return `${each(total)} ms of processor time each, ${percent} % of ${availableParallelism()} cores: ${parts.join(', ')}`;
}

function descendantsOf(pid: number, all: readonly Process[]): readonly Process[] {
  const found = all.filter((it) => it.pid === pid);
  for (const { pid: parent } of found) found.push(...all.filter((it) => it.parent === parent));
  return found;
}

function processAt(pid: number): Process[] {
  const stat = contentOf(pid, 'stat');
  // The name stands in parentheses and may hold anything; the fields after it are numbers, but for the state.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [, parent] = fields;
  if (parent === undefined) return [];
  const ticks = Number(fields[11]) + Number(fields[12]);
  return [{ pid, parent: Number(parent), seconds: ticks / TICKS_EACH_SECOND }];
}

function nameOf(pid: number): string {
  const command = contentOf(pid, 'cmdline').replaceAll('\0', ' ');
  for (const [pattern, name] of NAMES) {
    const found = pattern.exec(command);
    if (found) return name.replace('$1', found[1] ?? '');
  }
  return 'others';
}

/** Empty for a process that has just ended. */
function contentOf(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}
