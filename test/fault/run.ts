import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Service } from '@countersign/contracts';
import { startChain } from '../../apps/sandbox/src/chain.ts';
import { startFacilitator } from '../../apps/sandbox/src/facilitator.ts';
import { startReceiver } from '../../apps/sandbox/src/story/receiver.ts';
import { Dice } from '../sim/dice.ts';
import { type Verdict, check, historyOf, trustedFrom } from './checks.ts';
import { Fleet } from './fleet.ts';
import { type Injected, Injector } from './injector.ts';
import type { Counts } from './judge.ts';
import { Ledger } from './ledger.ts';
import { openMarket } from './market.ts';
import { type FaultKind, type Planned, planOf, textOf } from './plan.ts';
import type { Replica } from './replica.ts';
import type { Progress } from './report.ts';
import { measureTakeOver, takeOverLines } from './take-over.ts';
import { Traffic } from './traffic.ts';

/** Payments end by people's time-outs and authorizations' windows; without any record for so long, they are stuck. */
const STUCK_AFTER_MS = 150_000;
const FUNDS = 100_000_000_000n;

export interface RunOptions {
  readonly seed: number;
  readonly faults: number;
  readonly kinds: readonly FaultKind[];
  readonly replicasOf: (service: Service) => number;
  readonly paceMs: number;
  /** After so long no further fault begins. */
  readonly minutes: number;
  /** Kills of each service that is measured, before the faults. */
  readonly takeOvers: number;
  readonly folder: string;
  readonly progress: Progress;
}

export interface Outcome {
  readonly plan: readonly Planned[];
  readonly injected: readonly Injected[];
  readonly verdicts: readonly Verdict[];
  readonly counts: Counts;
  readonly notes: readonly string[];
}

/** One run: servers and processes of its own, payments and faults, then the truth about them. */
export async function run(options: RunOptions): Promise<Outcome> {
  const { seed, folder, progress, replicasOf, faults, kinds } = options;
  const dice = new Dice(`faults/${seed}`);
  const plan = planOf(dice.fork('plan'), { count: faults, replicasOf, kinds });
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, 'plan.txt'),
    plan.map((it) => `${it.number}. ${textOf(it.fault)}, ${it.holdMs} ms\n`).join(''),
  );
  await using parts = new AsyncDisposableStack();
  const watch = new Watch(folder, progress);
  progress.doing('starting a chain, a facilitator, sellers');
  const chain = parts.use(await startChain());
  const facilitator = parts.use(await startFacilitator({ chain }));
  const sellers = await openMarket(facilitator, parts);
  const receiver = parts.use(await startReceiver());
  const gasKeyFile = join(folder, 'gas.key');
  const key = chain.gasAccounts[1]?.getHdKey().privateKey;
  if (!key) throw new Error('the chain has no second gas account');
  writeFileSync(gasKeyFile, `0x${Buffer.from(key).toString('hex')}`, { mode: 0o600 });
  const fleet = await Fleet.start({
    ...{ folder, chain, gasKeyFile, replicasOf },
    webhookUrl: receiver.url,
    progress: (doing) => progress.doing(doing),
    onEnd: (replica, end, isBug) => watch.ended(replica, end, isBug),
    onSaid: (replica, line) => watch.said(replica, line),
  });
  parts.defer(() => fleet.stop());
  const ledger = await Ledger.open(fleet.broker.own);
  parts.defer(() => ledger.close());
  const traffic = new Traffic({
    fleet,
    sellers,
    dice: dice.fork('traffic'),
    paceMs: options.paceMs,
  });
  progress.doing('people, wallets, agents, sellers and the policy, over HTTP');
  await traffic.setUp((address) => chain.fund(address, FUNDS));

  traffic.start();
  if (options.takeOvers > 0) progress.doing('killing one after the other to see who takes over');
  const takenOver = await measureTakeOver({
    ...{ fleet, ledger },
    kills: options.takeOvers,
    onKill: (name) => progress.now(`${name} is killed and stays down`),
  });
  progress.doing(`${faults} faults while payments flow`);
  const injected: Injected[] = [];
  const injector = new Injector({
    fleet,
    ledger,
    onBegin: (it) => {
      watch.note(`fault ${it.number}: ${textOf(it.fault)} (${it.holdMs} ms)`);
      progress.now(
        `${it.number} of ${faults} faults, ${traffic.begun} payments: ${textOf(it.fault)}`,
      );
    },
    onEnd: (it) => void injected.push(it),
  });
  await injector.carryOut(plan, performance.now() + options.minutes * 60_000);
  progress.doing('all is well again: payments end');
  await fleet.heal();
  await settled({ traffic, ledger, fleet, progress });
  await traffic.stop();

  progress.doing('stopping the processes in order; reading the log anew');
  await Promise.all(fleet.members.map(({ replica }) => replica.stop(30_000)));
  const { verdicts, counts, ignored } = await check({
    ledger,
    chain,
    trusted: trustedFrom(fleet.trustedKeys),
    wallets: [...traffic.wallets.values()],
    promised: traffic.promised,
    stateOf: new Map(
      fleet.members.map(({ replica: { name } }) => [name, join(folder, 'state', name)]),
    ),
    bugs: watch.bugs,
  });
  const ends = [...traffic.ended].map(([end, count]) => `${count} ${end}`).join(', ');
  const notes = [
    `${traffic.begun} purchases (${ends}), ${traffic.repeats} repeats, ${ledger.count} records`,
    `records that did not count: ${ignored.join(', ') || 'none'}`,
    ...(injected.length < faults
      ? [`${options.minutes} minutes were over after ${injected.length} of ${faults} faults`]
      : []),
    ...watch.notes(),
    ...takeOverLines(takenOver),
  ];
  return { plan, injected, verdicts, counts, notes };
}

/** Every payment has ended, and nothing is owed; or nothing has moved for so long that nothing will. */
async function settled(parts: {
  readonly traffic: Traffic;
  readonly ledger: Ledger;
  readonly fleet: Fleet;
  readonly progress: Progress;
}): Promise<void> {
  const { traffic, ledger, fleet, progress } = parts;
  let isFinished = false;
  void traffic.finish().then(() => (isFinished = true));
  const history = historyOf(ledger.seen, trustedFrom(fleet.trustedKeys));
  ledger.lastAtMs = performance.now();
  while (performance.now() - ledger.lastAtMs < STUCK_AFTER_MS) {
    history.catchUp();
    const open = history
      .payments()
      .filter(({ phase, reservationEnded }) => phase.status !== 'ended' || !reservationEnded);
    if (isFinished && open.length === 0) return;
    progress.now(`${open.length} payments are open`);
    await pause(1_000);
  }
}

/** What the processes said and how they ended. */
class Watch {
  readonly bugs: string[] = [];
  readonly #ends = new Map<string, number>();
  readonly #file: string;
  readonly #progress: Progress;

  constructor(folder: string, progress: Progress) {
    this.#file = join(folder, 'faults.log');
    this.#progress = progress;
  }

  note(line: string): void {
    writeFileSync(this.#file, `${new Date().toISOString()} ${line}\n`, { flag: 'a' });
  }

  ended({ name, service }: Replica, end: string, isBug: boolean): void {
    this.note(`${name} ended by itself: ${end}`);
    if (isBug) this.bugs.push(`${name} ended: ${end}`);
    const said = /\(([a-z_]+)\)\s*$/.exec(end)?.[1] ?? /"code":"([a-z_]+)"/.exec(end)?.[1];
    const what = `${service} ended by itself (${said ?? end.slice(0, 200)})`;
    this.#ends.set(what, (this.#ends.get(what) ?? 0) + 1);
  }

  said({ name }: Replica, line: string): void {
    if (!line.includes('a bug')) return;
    this.note(`${name} says: ${line}`);
    this.bugs.push(`${name}: ${line}`);
    this.#progress.now(`${name} tells of a bug`);
  }

  notes(): string[] {
    return [...this.#ends].map(([what, count]) => `${what}: ${count} times, and was started again`);
  }
}
