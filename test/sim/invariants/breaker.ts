import { decodeEvent } from '@countersign/contracts';
import type { Payment } from '@countersign/payment';
import type { Seen } from '../history.ts';
import type { Process } from '../replica.ts';
import type { World } from '../world.ts';
import type { MakeInvariant } from './invariant.ts';

type Kind = 'ambiguous' | 'failed' | 'settled';
interface Outcome {
  readonly atMs: number;
  readonly kind: Kind;
}

/** Of one agent, and of all together: what is older says nothing. */
const OUTCOMES_MAX = 20;
const UNSEEN_MS = 60_000;
const MINUTE_MS = 60_000;

/**
 * Nothing of ours is first presented while its tenant's breaker is open: counted anew from the records that the presenting
 * process had folded, at the time of its own clock, as no process can know more.
 */
export const breaker: MakeInvariant = (world, report) => ({
  onAppend(process, { bytes }, nowMs) {
    const event = decodeEvent(bytes);
    if ('undecodable' in event || event.name !== 'settlement.submitted') return;
    const { tenant, paymentId, what } = event.data;
    if (what !== 'transfer') return;
    const untilMs = openUntil(outcomesFor(world, process, tenant, nowMs));
    if (nowMs < untilMs)
      report(`${process.name} presents ${paymentId}, and the breaker is open until ${untilMs}`);
  },
  onRecord({ event, applied }) {
    if (!applied || event?.name !== 'facilitator.tripped') return;
    const isOurs = event.data.facilitator.endsWith('/self');
    world.weather.count(isOurs ? 'our breaker opened' : "a facilitator's breaker opened");
  },
});

/** In the order of time; of one moment, successes last. */
function outcomesFor(
  { history }: World,
  { host }: Process,
  tenant: string,
  nowMs: number,
): readonly Outcome[] {
  const byAgent = new Map<string, Outcome[]>();
  const unseen: Outcome[] = [];
  for (const payment of history.payments()) {
    if (payment.tenant !== tenant || payment.intent.kind !== 'withdrawal') continue;
    const lane = history.laneOf(payment);
    const folded = host.lanes[lane]?.next ?? 0;
    const records = history
      .ofPayment(payment.id)
      .filter(({ applied, record }) => applied && record.offset < folded);
    const outcome = outcomeOf(payment, records, nowMs);
    if (!outcome) continue;
    if (outcome.kind === 'ambiguous') unseen.push(outcome);
    else byAgent.set(payment.agent, [...(byAgent.get(payment.agent) ?? []), outcome]);
  }
  const ended = [...byAgent.values()].flatMap((all) => inOrder(all).slice(-OUTCOMES_MAX));
  return inOrder([...ended, ...unseen]);
}

function inOrder(outcomes: readonly Outcome[]): Outcome[] {
  const rank = { ambiguous: 0, failed: 1, settled: 2 };
  return outcomes.toSorted((a, b) => a.atMs - b.atMs || rank[a.kind] - rank[b.kind]);
}

/** What is told of a withdrawal by its records: one that nobody presented, or that people stopped, tells nothing. */
function outcomeOf(
  { phase }: Payment,
  records: readonly Seen[],
  nowMs: number,
): Outcome | undefined {
  const last = (...names: readonly string[]) =>
    records.findLast(({ event }) => event !== undefined && names.includes(event.name));
  const settled = last('settlement.final');
  if (settled) return { kind: 'settled', atMs: settled.laneMs };
  const isPresented = records.some(
    ({ event }) => event?.name === 'settlement.submitted' && event.data.what === 'transfer',
  );
  if (!isPresented) return undefined;
  const isVoid = last('authorization.void');
  if (isVoid) {
    const isStopped = 'fixed' in phase && phase.fixed !== null && phase.fixed.stop !== null;
    return isStopped ? undefined : { kind: 'failed', atMs: isVoid.laneMs };
  }
  if (last('authorization.canceled', 'settlement.mismatched')) return undefined;
  const signed = last('signing.completed');
  const isSeen =
    last('settlement.observed', 'settlement.reverted')?.event?.name === 'settlement.observed';
  if (!signed || isSeen) return undefined;
  const atMs = signed.laneMs + UNSEEN_MS;
  return nowMs >= atMs ? { kind: 'ambiguous', atMs } : undefined;
}

/**
 * Until when the breaker is open, by the rule as it is written for people: five failures in a row; of ten decided, half
 * failed; or of ten, six in ten ambiguous. For a minute, twice as long after each failed try, a quarter of an hour at most.
 */
function openUntil(outcomes: readonly Outcome[]): number {
  let [untilMs, opened] = [-Infinity, 0];
  let since: Kind[] = [];
  for (const { kind, atMs } of outcomes) {
    if (opened > 0 && kind === 'settled') [opened, untilMs, since] = [0, -Infinity, []];
    since = [...since, kind].slice(-OUTCOMES_MAX);
    const isFailedTry = opened > 0 && kind === 'failed' && atMs >= untilMs;
    if (!isFailedTry && (opened > 0 || !isBad(since))) continue;
    opened += 1;
    untilMs = atMs + Math.min(15, 2 ** (opened - 1)) * MINUTE_MS;
  }
  return untilMs;
}

function isBad(since: readonly Kind[]): boolean {
  const decided = since.filter((kind) => kind !== 'ambiguous');
  const failed = decided.filter((kind) => kind === 'failed').length;
  const isRow = decided.length >= 5 && decided.slice(-5).every((kind) => kind === 'failed');
  if (isRow || (decided.length >= 10 && failed * 2 >= decided.length)) return true;
  return since.length >= 10 && (since.length - decided.length) * 10 >= since.length * 6;
}
