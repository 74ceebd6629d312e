import { deserialize } from 'node:v8';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { openStateStore } from '@countersign/adapter-sqlite';
import { SERVICES } from '@countersign/contracts';
import { EMPTY_HEAD, type Payment, chainedHead, fixedOf, leafDigest } from '@countersign/payment';
import { ARCHIVE, type LogRecord } from '@countersign/ports';
import type { TrustedKeys } from '@countersign/service-kit';
import type { Chain, TokenTransfer } from '../../apps/sandbox/src/chain.ts';
import { History } from '../sim/history.ts';
import { archivedOnce } from './archive-check.ts';
import { recount } from './budgets-check.ts';
import { CEILING_PER_DAY, LANES } from './fleet.ts';
import type { Counts } from './judge.ts';
import { type Ledger, NAMES } from './ledger.ts';
import type { Promised } from './traffic.ts';

/** What was looked at, and what is wrong with it. */
export interface Verdict {
  readonly invariant: string;
  readonly looked: string;
  readonly wrong: readonly string[];
}

export interface Evidence {
  readonly ledger: Ledger;
  readonly chain: Chain;
  readonly trusted: TrustedKeys;
  readonly wallets: readonly `0x${string}`[];
  readonly promised: readonly Promised[];
  /** Folders of the processes' own state, which they saved at their orderly end. */
  readonly stateOf: ReadonlyMap<string, string>;
  /** Processes that ended by a bug, and lines that tell of one. */
  readonly bugs: readonly string[];
}

/** `service=key,…` as keys by id. */
export function trustedFrom(text: string): TrustedKeys {
  return new Map(
    text.split(',').map((pair) => {
      const [name = '', ...rest] = pair.split('=');
      const publicKey = rest.join('=');
      const service = SERVICES.find((it) => it === name);
      if (!service) throw new Error(`no such service: ${name}`);
      return [`${service}-${publicKey.slice(0, 12)}`, { service, publicKey }] as const;
    }),
  );
}

/** The log as it was read; what is read later counts from the next `catchUp`. */
export function historyOf(
  all: ReadonlyMap<string, readonly LogRecord[]>,
  trusted: TrustedKeys,
): History {
  const of = (lane: string) => all.get(lane) ?? [];
  const history = new History(
    {
      laneCount: LANES,
      endNow: (lane) => of(lane).length,
      readNow: (lane, offset, max) => of(lane).slice(offset, offset + max),
    },
    trusted,
  );
  history.catchUp();
  return history;
}

/** Every invariant, from the log as Kafka has it now and from the chain; and what stood there in vain. */
export async function check(evidence: Evidence): Promise<{
  readonly verdicts: readonly Verdict[];
  readonly counts: Counts;
  readonly ignored: readonly string[];
}> {
  const all = await evidence.ledger.readAll();
  const history = historyOf(all, evidence.trusted);
  const transfers = (
    await Promise.all(evidence.wallets.map((wallet) => evidence.chain.transfersFrom(wallet)))
  ).flat();
  const budgets = recount(history);
  const verdicts = [
    finished(history),
    nothingLost(evidence, all),
    promisesKept(evidence, history),
    nothingOverspent(budgets),
    belowCeilings(history),
    paidOnce(history, transfers),
    stopped(evidence, history),
    nobodyAccused(history),
    sameEverywhere(evidence, all),
    await archived(evidence, all, history),
    { invariant: 'no process ended by a bug', looked: '', wrong: evidence.bugs },
  ];
  const counts = {
    settled: history.payments().filter(isSettled).length,
    vetoes: vetoedInTime(evidence).length,
    recounts: budgets.counted,
  };
  return { verdicts, counts, ignored: ignoredIn(history) };
}

function finished(history: History): Verdict {
  const ended = new Map<string, number>();
  const wrong: string[] = [];
  for (const { id, phase, reservationEnded } of history.payments())
    if (phase.status !== 'ended') wrong.push(`${id} is ${phase.status}`);
    else {
      ended.set(phase.how, (ended.get(phase.how) ?? 0) + 1);
      if (!reservationEnded) wrong.push(`${id} is ${phase.how}, and its reservation never ended`);
      // Nothing in a run may make the signer refuse what policy allowed.
      if (phase.how === 'refused') wrong.push(`${id} was refused by the signer: ${phase.code}`);
    }
  for (const { id, phase } of history.payments())
    if (phase.status === 'mismatched') wrong.push(`${id} is mismatched: ${phase.found}`);
  const counts = [...ended].map(([how, count]) => `${count} ${how}`).join(', ');
  return {
    invariant: 'every payment finishes, none is stuck',
    looked: `${history.payments().length} payments: ${counts}`,
    wrong,
  };
}

/** What a reader saw once stands there now, byte for byte. */
function nothingLost(
  { ledger }: Evidence,
  all: ReadonlyMap<string, readonly LogRecord[]>,
): Verdict {
  const wrong: string[] = [];
  if (ledger.broken !== undefined) wrong.push(`reading ended: ${inspect(ledger.broken)}`);
  let count = 0;
  for (const name of NAMES) {
    const now = all.get(name) ?? [];
    for (const [offset, record] of (ledger.seen.get(name) ?? []).entries()) {
      count += 1;
      const again = now[offset];
      if (!again) wrong.push(`${name}:${offset} is gone`);
      else if (leafDigest(again) !== leafDigest(record)) wrong.push(`${name}:${offset} changed`);
    }
  }
  return { invariant: 'zero events lost from the log', looked: `${count} records`, wrong };
}

/** What an agent or a person was told stands in the log, and counted. */
function promisesKept({ promised }: Evidence, history: History): Verdict {
  const wrong = promised.flatMap((it) => {
    const records = history.ofPayment(it.paymentId).filter(({ applied }) => applied);
    const isThere = records.some(({ event }) => {
      switch (it.kind) {
        case 'payment':
          return event?.name === 'intent.submitted' && event.data.resource.url === it.url;
        case 'granted':
          return event?.name === 'approval.granted' && event.data.person === it.person;
        case 'vetoed':
          return event?.name === 'approval.vetoed' && event.data.person === it.person;
        case 'delivered':
          return event?.name === 'delivery.reported';
      }
    });
    return isThere ? [] : [`${it.paymentId} was said to be ${it.kind}, and is not in the log`];
  });
  return {
    invariant: 'zero acknowledged requests lost',
    looked: `${promised.length} acknowledgements`,
    wrong,
  };
}

function nothingOverspent({ counted, overspent }: ReturnType<typeof recount>): Verdict {
  return {
    invariant: 'zero overspend of any budget',
    looked: `${counted} recounts from the log`,
    wrong: overspent,
  };
}

/** What a wallet signed away is bounded by the signer's own configuration, however many signers there are. */
function belowCeilings(history: History): Verdict {
  const signed = new Map<string, bigint>();
  for (const payment of history.payments()) {
    const fixed = fixedOf(payment);
    if (!fixed || !history.named(payment.id, 'signing.completed').some((it) => it.applied))
      continue;
    const { from, value } = fixed.authorization;
    signed.set(from, (signed.get(from) ?? 0n) + BigInt(value));
  }
  return {
    invariant: 'no wallet signed more than its ceiling',
    looked: `${signed.size} wallets`,
    wrong: [...signed]
      .filter(([, sum]) => sum > CEILING_PER_DAY)
      .map(([from, sum]) => `${from} signed ${sum}, of ${CEILING_PER_DAY}`),
  };
}

/** The chain has one transfer for each payment that settled, and none that the log did not fix and sign before. */
function paidOnce(history: History, transfers: readonly TokenTransfer[]): Verdict {
  const wrong: string[] = [];
  const onChain = new Map<string, number>();
  const keyOf = (hash: string, index: number) => `${hash}/${index}`.toLowerCase();
  for (const { transactionHash, logIndex } of transfers)
    onChain.set(keyOf(transactionHash, logIndex), 0);
  const urls = new Map<string, string>();
  for (const { id, phase, resource } of history.payments()) {
    if (phase.status !== 'ended' || phase.how !== 'settled') continue;
    const key = phase.transfer && keyOf(phase.transfer.transactionHash, phase.transfer.logIndex);
    const uses = key === null ? undefined : onChain.get(key);
    if (key === null || uses === undefined) wrong.push(`${id} settled, and the chain has nothing`);
    else if (uses > 0) wrong.push(`${id} settled by another payment's transfer`);
    else onChain.set(key, 1);
    if (!history.named(id, 'signing.completed').some((it) => it.applied))
      wrong.push(`${id} settled unsigned`);
    const before = urls.get(resource.url);
    if (before !== undefined) wrong.push(`${before} and ${id} both paid for ${resource.url}`);
    urls.set(resource.url, id);
  }
  for (const [key, uses] of onChain)
    if (uses === 0) wrong.push(`transfer ${key} belongs to no payment that settled`);
  return {
    invariant: 'zero double payments, zero payments beside the log',
    looked: `${transfers.length} transfers on the chain`,
    wrong,
  };
}

function isSettled({ phase }: Payment): boolean {
  return phase.status === 'ended' && phase.how === 'settled';
}

function vetoedInTime({ promised }: Evidence): readonly Promised[] {
  return promised.filter((it) => it.kind === 'vetoed' && it.inTime);
}

/** A veto that was acknowledged as in time: nothing was ever signed. */
function stopped(evidence: Evidence, history: History): Verdict {
  const vetoes = vetoedInTime(evidence);
  const wrong = vetoes
    .filter(({ paymentId }) =>
      history.named(paymentId, 'authorization.fixed').some((it) => it.applied),
    )
    .map(({ paymentId }) => `${paymentId} was authorized after its veto`);
  return {
    invariant: 'what was vetoed in time stays unpaid',
    looked: `${vetoes.length} vetoes`,
    wrong,
  };
}

/** Nobody but us moves money here: a watcher that says otherwise lost sight of the log. */
function nobodyAccused(history: History): Verdict {
  const wrong = history.control
    .filter(({ event, applied }) => applied && event?.name === 'wallet.frozen')
    .map(({ event, record }) => `control:${record.offset} froze ${JSON.stringify(event?.data)}`);
  return {
    invariant: 'no wallet was frozen for what the log has',
    looked: `${history.control.length} records of control`,
    wrong,
  };
}

/** What the recorders made of the log. */
function archived(
  { stateOf, ledger }: Evidence,
  all: ReadonlyMap<string, readonly LogRecord[]>,
  { cuts, lanes }: History,
): Promise<Verdict> {
  const recorders = [...stateOf].filter(([name]) => name.startsWith('recorder'));
  const settles = (lane: string, offset: number) => {
    const seen = lanes[Number(lane)]?.[offset];
    return seen?.applied === true && seen.event?.name === 'settlement.final';
  };
  const { logId } = ledger;
  return archivedOnce(new Map(recorders), { ...{ logId, tenant: 'default', all }, cuts, settles });
}

/** Records that did not count, by name and why: what replicas did twice, and what came too late. */
function ignoredIn(history: History): string[] {
  const counts = new Map<string, number>();
  for (const { event, code } of [...history.control, ...history.lanes.flat()]) {
    if (code === null) continue;
    const what = `${event?.name ?? 'bytes'} (${code})`;
    counts.set(what, (counts.get(what) ?? 0) + 1);
  }
  return [...counts]
    .sort(([, one], [, other]) => other - one)
    .map(([what, count]) => `${count} ${what}`);
}

/** Every process folded the same bytes to the same end. */
function sameEverywhere(
  { stateOf }: Evidence,
  all: ReadonlyMap<string, readonly LogRecord[]>,
): Verdict {
  const heads = new Map<string, readonly string[]>();
  for (const name of NAMES) {
    if (name === ARCHIVE) continue;
    let head = EMPTY_HEAD;
    heads.set(
      name,
      (all.get(name) ?? []).map((record) => (head = chainedHead(head, leafDigest(record)))),
    );
  }
  const wrong: string[] = [];
  let count = 0;
  for (const [name, folder] of stateOf) {
    const store = openStateStore(join(folder, 'fold.db'));
    for (const { value } of store.newest('lanes', { prefix: '', max: LANES + 1 })) {
      const { lane, next, head } = deserialize(value) as {
        lane: number;
        next: number;
        head: string;
      };
      count += 1;
      const expected = next === 0 ? EMPTY_HEAD : heads.get(String(lane))?.[next - 1];
      if (head !== expected) wrong.push(`${name} folded something else in lane ${lane}`);
    }
    store.close();
  }
  return { invariant: 'every process folded the same log', looked: `${count} heads`, wrong };
}
