import { rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { SERVICES, type Service } from '@countersign/contracts';
import { getServers } from '../../deploy/local/servers.mjs';
import { failuresOf } from './judge.ts';
import { FAULT_KINDS, type FaultKind, textOf } from './plan.ts';
import { Progress, faultTable, verdictLines } from './report.ts';
import { run } from './run.ts';

const USAGE = `usage: npm run test:fault -- [--faults N] [--seed S] [--replicas R] [--kinds a,b] [--pace ms]
       [--minutes M] [--allow-fewer] [--take-over N] [--keep]

Runs every service three times on real Kafka, Redis and Vault, lets agents pay, and breaks one thing after the other:
processes and servers killed, paused, cut off, a Redis that lost what it acknowledged. Then checks, from the log and the
chain: every payment finished, none was paid twice, no budget was overspent, nothing acknowledged was lost.

--faults    200 unless given
--seed      decides the faults; a random one unless given
--replicas  of each service; "policy=3,signer=2" for some, the others once
--kinds     only these: ${FAULT_KINDS.join(', ')}
--pace      milliseconds between two purchases of an agent, two of which it makes side by side; 3000 unless given
--minutes   after so many no further fault begins, however many were asked for
--allow-fewer  a run in which the minutes were over before is good all the same; otherwise it fails
--take-over N  first kills N processes each of policy and signer, and measures how long their lanes were nobody's
--keep      keep logs and states of a good run too`;

class UsageError extends Error {}

interface Options {
  readonly faults: number;
  readonly seed: number;
  readonly replicasOf: (service: Service) => number;
  readonly kinds: readonly FaultKind[];
  readonly paceMs: number;
  readonly takeOvers: number;
  readonly minutes: number;
  readonly allowFewer: boolean;
  readonly keep: boolean;
}

function readOptions(): Options {
  const text = { type: 'string' } as const;
  const values = (() => {
    try {
      const options = {
        ...{ faults: text, seed: text, replicas: text, kinds: text, pace: text, minutes: text },
        'take-over': text,
        keep: { type: 'boolean' },
        'allow-fewer': { type: 'boolean' },
      } as const;
      return parseArgs({ options }).values;
    } catch (error) {
      throw new UsageError(error instanceof Error ? error.message : String(error));
    }
  })();
  return {
    faults: numberOf(values.faults, 200, 0),
    seed: numberOf(values.seed, Math.floor(Math.random() * 1_000_000), 0),
    replicasOf: replicasFrom(values.replicas ?? '3'),
    kinds: kindsFrom(values.kinds),
    paceMs: numberOf(values.pace, 3_000, 100),
    takeOvers: numberOf(values['take-over'], 0, 0),
    minutes: values.minutes === undefined ? Infinity : numberOf(values.minutes, 1, 1),
    allowFewer: values['allow-fewer'] ?? false,
    keep: values.keep ?? false,
  };
}

function numberOf(text: string | undefined, fallback: number, min: number): number {
  const value = text === undefined ? fallback : Number(text);
  if (!Number.isSafeInteger(value) || value < min) throw new UsageError(`not a number: ${text}`);
  return value;
}

function replicasFrom(text: string): Options['replicasOf'] {
  if (/^\d+$/.test(text)) {
    const count = numberOf(text, 3, 1);
    return () => count;
  }
  const counts = new Map<string, number>();
  for (const pair of text.split(',')) {
    const [name = '', count] = pair.split('=');
    if (!SERVICES.some((service) => service === name)) throw new UsageError(`no service ${name}`);
    counts.set(name, numberOf(count, 1, 1));
  }
  return (service) => counts.get(service) ?? 1;
}

function kindsFrom(text: string | undefined): readonly FaultKind[] {
  if (text === undefined) return FAULT_KINDS;
  return text.split(',').map((name) => {
    const kind = FAULT_KINDS.find((it) => it === name);
    if (!kind) throw new UsageError(`no such fault: ${name}`);
    return kind;
  });
}

async function main(): Promise<number> {
  // Each of the processes is taken along by a listener of its own.
  process.setMaxListeners(0);
  const options = readOptions();
  const missing = await getServers(['kafka', 'redis', 'vault']);
  for (const line of missing) console.error(line);
  if (missing.length > 0) return 1;
  const { seed, faults } = options;
  const folder = resolve('.local', 'fault', String(seed));
  rmSync(folder, { recursive: true, force: true });
  const progress = new Progress();
  progress.doing(`seed ${seed}; logs in ${folder}`);
  const { plan, injected, verdicts, counts, notes } = await run({ ...options, folder, progress });
  console.log(`\nFaults, with seed ${seed}:`);
  for (const line of faultTable(injected)) console.log(line);
  console.log('\nWhat happened:');
  for (const line of notes) console.log(`  ${line}`);
  console.log('\nInvariants, from the log and the chain:');
  for (const line of verdictLines(verdicts)) console.log(line);
  const { allowFewer } = options;
  const failures = failuresOf({ verdicts, counts, injected, asked: faults, allowFewer });
  const isGood = failures.length === 0;
  if (isGood && !options.keep) rmSync(folder, { recursive: true, force: true });
  if (!isGood) {
    console.log(`\nThe plan with seed ${seed}, as in ${`${folder}/plan.txt`}:`);
    for (const it of plan) console.log(`  ${it.number}. ${textOf(it.fault)}, ${it.holdMs} ms`);
    console.log(
      `Logs and states: ${folder}. Again: npm run test:fault -- --faults ${faults} --seed ${seed}`,
    );
  }
  console.log(
    `\n${isGood ? 'every invariant held' : `FAILED (${failures.join('; ')})`}: ${injected.length} faults with seed ${seed} in ${progress.seconds} s`,
  );
  return isGood ? 0 : 1;
}

// Whatever was started goes with the process, and a signal alone would not let it.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.once(signal, () => process.exit(1));
try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(`${error.message}\n${USAGE}`);
  process.exitCode = 2;
}
process.exit();
