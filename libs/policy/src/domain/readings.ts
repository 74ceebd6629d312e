import {
  type Available,
  type Limit,
  type Reading,
  type ReservationAnswer,
  type TraceLine,
  limitHolds,
} from '@countersign/contracts';
import { toDecimal } from '@countersign/kernel';
import type { Holding } from './budgets.ts';
import { LINES_MAX, line, summarize } from './explain.ts';
import type { Candidates } from './plan.ts';
import type { DecisionReason } from './reasons.ts';
import { UNIT_DECIMALS } from './subject.ts';
import { AVAILABLE_MAX } from './version.ts';

/** A limit set against what its counter held. */
export interface Measured {
  readonly holding: Holding;
  readonly reading: Reading;
  readonly holds: boolean;
}

/**
 * The readings by limit id. Of a planned limit, one of another counter or one given twice is as good as none: nobody can
 * say which is true.
 */
export function readingsOf(plan: Candidates, answer: ReservationAnswer): Map<string, Reading> {
  const readings = new Map<string, Reading>();
  let twice: string[] | undefined;
  for (const reading of answer.readings) {
    if (readings.has(reading.limitId)) (twice ??= []).push(reading.limitId);
    readings.set(reading.limitId, reading);
  }
  twice?.forEach((limitId) => readings.delete(limitId));
  dropForeign(readings, plan.always);
  for (const { limits } of plan.tiers) dropForeign(readings, limits);
  return readings;
}

function dropForeign(readings: Map<string, Reading>, limits: readonly Limit[]): void {
  for (const { id, scope } of limits) if (readings.get(id)?.scope !== scope) readings.delete(id);
}

/** Sets a payment of `amount` against each limit that has a reading; null where all are known to hold. */
export function measure(
  holdings: readonly Holding[],
  readings: ReadonlyMap<string, Reading>,
  amount: bigint | null,
): Measured[] {
  const measured: Measured[] = [];
  for (const holding of holdings) {
    const reading = readings.get(holding.limit.id);
    if (!reading) continue;
    const holds = amount === null || limitHolds(holding.limit, reading, amount);
    measured.push({ holding, reading, holds });
  }
  return measured;
}

/** Why a limit refused the payment: for its amount, for its count, or both. */
export function refusalsOf({ holding, reading }: Measured, amount: bigint): DecisionReason[] {
  const { limit, source } = holding;
  if (source.kind === 'frequency') return ['frequency_exceeded'];
  if (source.kind === 'task')
    return [source.name === 'ceiling' ? 'ceiling_exceeded' : 'estimate_exceeded'];
  const { atMost, atMostCount, ...terms } = limit;
  const reasons: DecisionReason[] = [];
  if (atMost !== undefined && !limitHolds({ ...terms, atMost }, reading, amount))
    reasons.push('budget_exceeded');
  if (atMostCount !== undefined && !limitHolds({ ...terms, atMostCount }, reading, amount))
    reasons.push('count_exceeded');
  return reasons;
}

/**
 * What the limits leave once `amount` is taken from them; zero takes nothing, not even a payment of their count. The
 * first rules did not tell it.
 */
export function availableAfter(
  measured: readonly Measured[],
  amount: bigint,
  rules: number,
): Available[] | undefined {
  if (rules < 2) return undefined;
  const available: Available[] = [];
  for (const { holding, reading } of measured) {
    if (available.length === AVAILABLE_MAX) break;
    const { scope, window, atMost, atMostCount } = holding.limit;
    const alone = window.kind === 'payment';
    const left: Available = { limit: holding.source.name, scope, window };
    if (atMost !== undefined) left.amount = alone ? atMost : leftOf(atMost, reading, amount);
    if (atMostCount !== undefined) {
      const taken = reading.committedCount + reading.openCount + (amount === 0n ? 0 : 1);
      left.count = Math.max(0, atMostCount - (alone ? 0 : taken));
    }
    available.push(left);
  }
  return available;
}

function leftOf(atMost: string, { committed, open }: Reading, amount: bigint): string {
  const left = BigInt(atMost) - (BigInt(committed) + BigInt(open) + amount);
  return left > 0n ? left.toString() : '0';
}

/** Tells the readings: those that refused first, because the rest may be cut short. */
export function tellReadings(
  trace: TraceLine[],
  measured: readonly Measured[],
  amountText: string,
): void {
  let unlisted = 0;
  for (const holds of [false, true]) {
    let told = 0;
    for (const it of measured) {
      if (it.holds !== holds) continue;
      if (told < LINES_MAX) trace.push(readingLine(it, amountText));
      else unlisted += 1;
      told += 1;
    }
  }
  summarize(trace, 'budgets', { excluded: 0, unlisted });
}

function readingLine({ holding, reading, holds }: Measured, amountText: string): TraceLine {
  const { limit, source } = holding;
  const alone = limit.window.kind === 'payment';
  const parts: string[] = [];
  if (limit.atMost !== undefined) {
    const taken = toDecimal(BigInt(reading.committed) + BigInt(reading.open), UNIT_DECIMALS);
    parts.push(
      alone
        ? `this is ${amountText} of at most ${source.atMostText}`
        : `${taken} of ${source.atMostText} spent or reserved, this is ${amountText}`,
    );
  }
  if (limit.atMostCount !== undefined && !alone) {
    const count = reading.committedCount + reading.openCount;
    parts.push(`${count} of ${limit.atMostCount} payments made or open before this one`);
  }
  if (parts.length === 0) parts.push('one payment');
  return line(
    `${source.kind}:${source.name}`,
    holds,
    `${source.name} (${limit.scope}${source.windowText}): ${parts.join('; ')}`,
  );
}
