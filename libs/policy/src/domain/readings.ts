import {
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
  const check = ({ id, scope }: Limit): void => {
    if (readings.get(id)?.scope !== scope) readings.delete(id);
  };
  plan.always.forEach(check);
  for (const { limits } of plan.tiers) limits.forEach(check);
  return readings;
}

/** Sets each limit that has a reading against it, as `holds` says. */
export function measure(
  holdings: readonly Holding[],
  readings: ReadonlyMap<string, Reading>,
  holds: (limit: Limit, reading: Reading) => boolean,
): Measured[] {
  const measured: Measured[] = [];
  for (const holding of holdings) {
    const reading = readings.get(holding.limit.id);
    if (reading) measured.push({ holding, reading, holds: holds(holding.limit, reading) });
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
