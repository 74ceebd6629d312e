import type { Limit } from '@countersign/contracts';
import { calendarSpan, unreachable } from '@countersign/kernel';
import { type ReserveRequest, readingsAsked } from '@countersign/ports';

/** Whether one limit holds, by the number (from 1) of the reading it goes by. */
interface Test {
  readonly reading: number;
  readonly atMost?: string | undefined;
  readonly atMostCount?: number | undefined;
}

/**
 * A request as the script takes it, as JSON: everything that needs a calendar, or JSON to be written, is done here.
 *
 * @param nowMs about what time it is for the store, which refuses a calendar's window that is not the one it is in.
 */
export function reservePlan(request: ReserveRequest, nowMs: number): string {
  const limits = readingsAsked(request);
  const numberOf = new Map(limits.map((limit, at) => [limit.id, at + 1]));
  const testsOf = (tested: readonly Limit[]): Test[] =>
    tested.map(({ id, atMost, atMostCount }) => ({
      reading: numberOf.get(id) ?? 0,
      atMost,
      atMostCount,
    }));
  const tiers = request.tiers.map((tier) => {
    const scopes = [...new Set([...request.scopes, tier.scope])];
    return {
      json: JSON.stringify(tier.name),
      held: JSON.stringify(scopes),
      scopes,
      tests: testsOf(tier.limits),
    };
  });
  return JSON.stringify({
    scopes: [...new Set([...limits.map((it) => it.scope), ...tiers.flatMap((it) => it.scopes)])],
    readings: limits.map((limit) => askedOf(limit, nowMs)),
    always: testsOf(request.always),
    tiers,
  });
}

/** The same for readings alone. */
export function readPlan(limits: readonly Limit[], nowMs: number): string {
  return JSON.stringify({
    scopes: [...new Set(limits.map((it) => it.scope))],
    readings: limits.map((limit) => askedOf(limit, nowMs)),
  });
}

function askedOf({ id: limitId, scope, window }: Limit, nowMs: number) {
  const head = JSON.stringify({ limitId, scope }).slice(0, -1);
  switch (window.kind) {
    case 'payment':
      return { head, scope, alone: true };
    case 'lifetime':
      return { head, scope };
    case 'rolling':
      return { head, scope, key: `${window.seconds}s`, ms: window.seconds * 1_000 };
    case 'calendar': {
      const { unit, timeZone } = window;
      const { fromMs: from, toMs: to } = calendarSpan(unit, timeZone, nowMs);
      return { head, scope, key: `${unit}@${timeZone}`, from, to };
    }
    default:
      return unreachable(window);
  }
}
