import { type Conditions, type Hours, Weekday } from '@countersign/contracts';
import { canonicalText } from '@countersign/kernel';
import { TRUST_RANK, unitsOf } from './conditions.ts';
import type { Use } from './finding.ts';
import { minuteOf } from './hours.ts';
import { foldRoute, prefixSet } from './route.ts';

type Key = keyof Conditions;
type Given<K extends Key> = NonNullable<Conditions[K]>;

/** Conditions of one policy, with what its `stream` counts as small. */
export interface Context {
  readonly use: Use;
  readonly streamOf: { readonly inner: bigint | undefined; readonly outer: bigint | undefined };
}

/**
 * Whether every payment that meets all of `inner` meets all of `outer`, whatever else is true of it. Exact for each
 * condition taken for itself, and never wrongly yes: what is implied only by several conditions together counts as not.
 */
export function isNarrower(inner: Conditions, outer: Conditions, context: Context): boolean {
  return keysOf(outer).every((key) => conditionImplied(key, inner, outer, context));
}

/** The conditions of `outer` that `inner` does not imply. */
export function widened(inner: Conditions, outer: Conditions, context: Context): Key[] {
  return keysOf(outer).filter((key) => !conditionImplied(key, inner, outer, context));
}

/**
 * Whether no payment can meet both: some condition of one leaves out every value the other allows.
 *
 * @param sameStreams whether both count the same payments as small.
 */
export function isDisjoint(one: Conditions, other: Conditions, sameStreams: boolean): boolean {
  const lists = ['payTo', 'networks', 'assets', 'jurisdictions', 'agents'] as const;
  const apart = (a: readonly string[] | undefined, b: readonly string[] | undefined) =>
    a !== undefined && b !== undefined && !a.some((value) => b.includes(value));
  if (lists.some((key) => apart(one[key], other[key]))) return true;
  if (apart(one.sellers, other.sellers)) return true;
  if (
    sameStreams &&
    one.stream !== undefined &&
    other.stream !== undefined &&
    one.stream !== other.stream
  )
    return true;
  if (one.trustIs !== undefined && other.trustIs !== undefined && one.trustIs !== other.trustIs)
    return true;
  return isAbove(one, other) || isAbove(other, one);
}

function isAbove(one: Conditions, other: Conditions): boolean {
  const [over, atMost] = [one.amount?.over, other.amount?.atMost];
  return over !== undefined && atMost !== undefined && unitsOf(over) >= unitsOf(atMost);
}

function keysOf(when: Conditions): Key[] {
  return (Object.keys(when) as Key[]).filter((key) => when[key] !== undefined);
}

function conditionImplied(
  key: Key,
  inner: Conditions,
  outer: Conditions,
  context: Context,
): boolean {
  switch (key) {
    case 'amount':
      return amountWithin(inner.amount, outer.amount ?? {});
    case 'trust':
      return leastTrust(inner) >= TRUST_RANK[outer.trust ?? 'unknown'];
    case 'trustIs':
      return (
        inner.trustIs === outer.trustIs ||
        (outer.trustIs === 'verified' && leastTrust(inner) === TRUST_RANK.verified)
      );
    case 'categories':
    case 'sellers':
      return namesWithin(inner[key], outer[key] ?? [], context.use);
    case 'domains':
      return domainsWithin(inner.domains, outer.domains ?? [], context.use);
    case 'routes':
      return routesWithin(inner.routes, outer.routes ?? []);
    case 'payTo':
    case 'assets':
    case 'jurisdictions':
    case 'agents':
      return within(inner[key], outer[key] ?? []);
    case 'networks':
      return within(inner.networks ?? networksOf(inner.assets), outer.networks ?? []);
    case 'priceWithinPercent':
      return (inner.priceWithinPercent ?? Infinity) <= (outer.priceWithinPercent ?? -1);
    case 'hours':
      return hoursWithin(inner.hours, outer.hours ?? []);
    case 'stream':
      return inner.stream === outer.stream && streamWithin(outer.stream ?? true, context);
    default:
      return canonicalText(inner[key] ?? null) === canonicalText(outer[key] ?? null);
  }
}

function leastTrust({ trust, trustIs }: Conditions): number {
  return Math.max(TRUST_RANK[trust ?? 'unknown'], TRUST_RANK[trustIs ?? 'unknown']);
}

/** Whether one range lies in the other; an end that is not given is open. */
export function amountWithin(inner: Given<'amount'> | undefined, outer: Given<'amount'>): boolean {
  const { atMost, over } = inner ?? {};
  return (
    (outer.atMost === undefined ||
      (atMost !== undefined && unitsOf(atMost) <= unitsOf(outer.atMost))) &&
    (outer.over === undefined || (over !== undefined && unitsOf(over) >= unitsOf(outer.over)))
  );
}

function within(inner: readonly string[] | undefined, outer: readonly string[]): boolean {
  if (!inner) return false;
  const set = new Set(outer);
  return inner.every((value) => set.has(value));
}

/** A permit of `unknown` lets nothing through, so that it may stand on either side. */
function namesWithin(
  inner: readonly string[] | undefined,
  outer: readonly string[],
  use: Use,
): boolean {
  const names = use === 'permit' ? inner?.filter((name) => name !== 'unknown') : inner;
  return within(names, outer);
}

/** A restriction of a host holds on each of its ports. */
export function domainsWithin(
  inner: readonly string[] | undefined,
  outer: readonly string[],
  use: Use,
): boolean {
  if (use === 'permit') return within(inner, outer);
  const set = new Set(outer);
  return inner?.every((it) => set.has(it) || set.has(it.replace(/:[0-9]*$/, ''))) ?? false;
}

export function routesWithin(
  inner: readonly string[] | undefined,
  outer: readonly string[],
): boolean {
  if (!inner || outer.length === 0) return false;
  const [spelled, folded] = [prefixSet(outer), prefixSet(outer.map(foldRoute))];
  return inner.every((it) => spelled(it.replace(/\/+$/, '')) && folded(foldRoute(it)));
}

function networksOf(assets: readonly string[] | undefined): readonly string[] | undefined {
  return assets?.map((asset) => asset.split('/')[0] ?? '');
}

/** What is small for one may be large for the other. */
export function streamWithin(wanted: boolean, { streamOf: { inner, outer } }: Context): boolean {
  if (inner === undefined || outer === undefined) return false;
  return wanted ? inner <= outer : inner >= outer;
}

/** By the minutes of the week that each holds, zone by zone. */
export function hoursWithin(inner: readonly Hours[] | undefined, outer: readonly Hours[]): boolean {
  if (!inner) return false;
  return inner.every((hours) => {
    const held = joined(outer.filter((it) => it.timeZone === hours.timeZone).flatMap(spansOf));
    return joined(spansOf(hours)).every(([from, to]) =>
      held.some(([start, end]) => start <= from && to <= end),
    );
  });
}

const DAY = 1_440;
const WEEK = 7 * DAY;
/** Minutes of the week, from Monday on, the second not included. */
type MinuteSpan = readonly [from: number, to: number];

function spansOf({ days, from, to }: Hours): MinuteSpan[] {
  const [start, end] = [minuteOf(from), minuteOf(to)];
  const length = end > start ? end - start : end + DAY - start;
  return (days ?? Weekday.options).flatMap((day): MinuteSpan[] => {
    const first = Weekday.options.indexOf(day) * DAY + start;
    const last = first + length;
    return last <= WEEK
      ? [[first, last]]
      : [
          [first, WEEK],
          [0, last - WEEK],
        ];
  });
}

function joined(spans: readonly MinuteSpan[]): MinuteSpan[] {
  const whole: MinuteSpan[] = [];
  for (const [from, to] of spans.toSorted(([one], [other]) => one - other)) {
    const last = whole.at(-1);
    if (last && from <= last[1]) whole[whole.length - 1] = [last[0], Math.max(last[1], to)];
    else whole.push([from, to]);
  }
  return whole;
}
