import type { Budget, Tier, Window } from '@countersign/contracts';
import { unitsOf } from './conditions.ts';

/** Longest a day, week or month of the calendar can be, in seconds; clocks that change add some hours. */
const LONGEST_S = { day: 30 * 3_600, week: 8 * 86_400, month: 32 * 86_400 } as const;

/** The limits of the old policy that those of the new one do not imply, by name. */
export function limitsDropped(
  before: readonly Budget[],
  after: readonly Budget[],
  streams: { readonly before: bigint | undefined; readonly after: bigint | undefined },
): string[] {
  const dropped = before.filter((old) => !isImplied(old, after, streams)).map(({ id }) => id);
  for (const scope of ['task', 'session'] as const) {
    const first = before.find((it) => it.scope === scope);
    // A budget per task refuses every payment without a task, whatever else it says.
    if (first && !after.some((it) => it.scope === scope) && !dropped.includes(first.id))
      dropped.push(first.id);
  }
  return dropped;
}

/** Whether the new tier takes as few payments as often; each tier has a counter of its own, known by its name. */
export function frequencyKept(before: Tier, after: Tier): boolean {
  const [old, fresh] = [before.frequency, after.frequency];
  if (!old) return true;
  return (
    before.name === after.name &&
    fresh !== undefined &&
    fresh.atMost <= old.atMost &&
    fresh.seconds >= old.seconds
  );
}

function isImplied(
  old: Budget,
  after: readonly Budget[],
  streams: { readonly before: bigint | undefined; readonly after: bigint | undefined },
): boolean {
  // With another border between small and large, the same counter holds other payments.
  if (old.scope === 'stream' && (streams.after ?? -1n) < (streams.before ?? 0n)) return false;
  const alike = after.filter((it) => it.scope === old.scope && reaches(it, old));
  const { atMost, atMostCount } = old;
  const amountHeld =
    atMost === undefined ||
    alike.some(
      (it) =>
        it.atMost !== undefined &&
        unitsOf(it.atMost) <= unitsOf(atMost) &&
        looksAsFarBack(it.window, old.window),
    );
  const countHeld =
    atMostCount === undefined ||
    old.window.kind === 'payment' ||
    alike.some(
      (it) =>
        it.atMostCount !== undefined &&
        it.atMostCount <= atMostCount &&
        it.window.kind !== 'payment' &&
        looksAsFarBack(it.window, old.window),
    );
  return amountHeld && countHeld;
}

/** Whether whoever the old budget limited is limited by the new one. */
function reaches({ only: fresh }: Budget, { only: old }: Budget): boolean {
  if (!fresh) return true;
  return old?.every((name) => fresh.includes(name)) ?? false;
}

/** Whether everything one window holds is in the other, at any time. */
function looksAsFarBack(fresh: Window, old: Window): boolean {
  if (old.kind === 'payment' || fresh.kind === 'lifetime') return true;
  if (old.kind === 'lifetime' || fresh.kind === 'payment') return false;
  if (fresh.kind === 'rolling')
    return fresh.seconds >= (old.kind === 'rolling' ? old.seconds : LONGEST_S[old.unit]);
  if (old.kind === 'rolling' || fresh.timeZone !== old.timeZone) return false;
  return fresh.unit === old.unit || old.unit === 'day';
}
