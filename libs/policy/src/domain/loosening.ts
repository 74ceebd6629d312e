import type { Conditions, PolicyDocument, Requirement, Tier } from '@countersign/contracts';
import { canonicalText } from '@countersign/kernel';
import { requirementOf } from './compile.ts';
import { unitsOf } from './conditions.ts';
import { frequencyKept, limitsDropped } from './limits-implied.ts';
import { type Context, isDisjoint, isNarrower, widened } from './narrower.ts';
import { asStrictAs } from './strictness.ts';
import { prohibitionsDropped } from './prohibited-region.ts';
import { READINGS_MAX } from './version.ts';

/**
 * What a change of policy loosens, a sentence each; nothing where it only tightens: for every payment and all that
 * counters can hold, the new policy then asks at least as much as the old one, and writes down no less.
 *
 * It is a proof and no estimate. Nothing that loosens passes for tightening. A change whose effect rests on several rules
 * together (tiers merged, split or put in another order) can be called a loosening although it is none.
 */
export function loosenings(before: PolicyDocument, after: PolicyDocument): string[] {
  const streams = { before: streamOf(before), after: streamOf(after) };
  const found = [
    ...standingLoosened(before, after),
    ...prohibitionsDropped(before, after).map((it) => `prohibition ${it} no longer holds in full`),
    ...flagsLoosened(before, after),
  ];
  if (after.tiers.length > 0 && readingsOf(before) > READINGS_MAX - EXTRA_READINGS)
    found.push('tiers were beyond what one decision reads, and may come within it');
  const change: Change = { before, after, streams, places: placesOf(after.tiers) };
  for (const tier of after.tiers) {
    const named = before.tiers.find((old) => old.name === tier.name);
    const whys = named && tierLoosened(change, named, tier);
    if (whys?.length === 0 || before.tiers.some((old) => isCovered(change, old, tier))) continue;
    if (!whys) found.push(`tier ${tier.name} is new, and no tier asked as much for all it takes`);
    else found.push(...whys.map((why) => `tier ${tier.name}: ${why}`));
  }
  return found;
}

interface Change {
  readonly before: PolicyDocument;
  readonly after: PolicyDocument;
  /** Largest payment that each policy counts as part of a stream. */
  readonly streams: { readonly before: bigint | undefined; readonly after: bigint | undefined };
  /** Of the new tiers, by their text. */
  readonly places: ReadonlyMap<string, number>;
}

/** Limits that no policy states: what sessions and tasks were given. */
const EXTRA_READINGS = 5;

function readingsOf({ tiers, budgets }: PolicyDocument): number {
  const ofTiers = tiers.map((it) => (it.budgets?.length ?? 0) + (it.frequency ? 1 : 0));
  return ofTiers.reduce((sum, count) => sum + count, budgets.length);
}

function streamOf({ stream }: PolicyDocument): bigint | undefined {
  return stream && unitsOf(stream.atMost);
}

function standingLoosened(before: PolicyDocument, after: PolicyDocument): string[] {
  const found: string[] = [];
  if (after.unit.name !== before.unit.name) found.push('amounts are of another unit');
  const fresh = after.unit.assets.filter((asset) => !before.unit.assets.includes(asset));
  for (const asset of fresh) found.push(`the asset ${asset} is declared`);
  for (const [network, address] of Object.entries(after.treasury ?? {}))
    if (before.treasury?.[network] !== address)
      found.push(`the treasury on ${network} is ${address}`);
  const seconds = after.authorization.maxLifetimeSeconds;
  if (seconds > before.authorization.maxLifetimeSeconds)
    found.push(`authorizations live up to ${seconds} s`);
  const waited = before.loosening?.delaySeconds ?? 0;
  const waits = after.loosening?.delaySeconds ?? 0;
  if (waits < waited) found.push(`what loosens waits ${waits} s in place of ${waited} s`);
  if (after.again && !before.again) found.push('an unresolved purchase may be made again');
  return found;
}

function flagsLoosened(before: PolicyDocument, after: PolicyDocument): string[] {
  // A flag must be raised wherever it was: here the old conditions are the narrower ones.
  const context = contextOf(after, before, 'restrict');
  return before.flags
    .filter(
      (old) =>
        !after.flags.some((it) => it.id === old.id && isNarrower(old.when, it.when, context)),
    )
    .map(({ id }) => `flag ${id} is no longer raised wherever it was`);
}

function contextOf(outer: PolicyDocument, inner: PolicyDocument, use: Context['use']): Context {
  return { use, streamOf: { outer: streamOf(outer), inner: streamOf(inner) } };
}

/** Whether the old tier asked no more of anything that the new one takes. Most are told apart by their conditions. */
function isCovered(change: Change, old: Tier, tier: Tier): boolean {
  const context = contextOf(change.before, change.after, 'permit');
  return isNarrower(tier.when, old.when, context) && tierLoosened(change, old, tier).length === 0;
}

/** Why the new tier may take a payment on which the old policy, with this tier of it, would have asked for more. */
function tierLoosened(change: Change, old: Tier, tier: Tier): string[] {
  const { before, after, streams } = change;
  const context = contextOf(before, after, 'permit');
  const found = widened(tier.when, old.when, context).map((key) => `it takes more by ${key}`);
  if (!asMuchAsked(tier, old)) found.push('it asks less of people');
  if (!frequencyKept(old, tier)) found.push('its frequency no longer holds in full');
  const limits = [...after.budgets, ...(tier.budgets ?? []), ...alone(tier)];
  for (const id of limitsDropped([...before.budgets, ...(old.budgets ?? [])], limits, streams))
    found.push(`budget ${id} no longer holds in full`);
  if (old.audit?.depth !== 'decisive' && tier.audit?.depth === 'decisive')
    found.push('less of it is written down');
  if (old.audit?.profile !== undefined && old.audit.profile !== tier.audit?.profile)
    found.push('it is recorded by another profile');
  for (const earlier of before.tiers) {
    if (earlier === old) break;
    if (!keepsItsPlace(change, { earlier, old, tier }))
      found.push(`it may take what tier ${earlier.name} took or kept from others`);
  }
  return found;
}

/** The tier's own bound on one payment, as the budget that it amounts to for every scope. */
function alone({ when, name }: Tier): PolicyDocument['budgets'] {
  const atMost = when.amount?.atMost;
  if (atMost === undefined) return [];
  const scopes = ['agent', 'seller', 'category', 'tenant', 'stream'] as const;
  return scopes.map((scope) => ({ id: name, scope, window: { kind: 'payment' }, atMost }));
}

/** Whether people have at least as much to do, and their consent lasts no longer. */
function asMuchAsked(fresh: Tier, old: Tier): boolean {
  const [one, other] = [fresh, old].map(requirementOfTier);
  if (!one || !other || !asStrictAs(one, other)) return false;
  if (one.kind === 'none' || other.kind === 'none') return true;
  if (one.clearanceMs > other.clearanceMs) return false;
  return one.kind !== 'quorum' || other.kind !== 'quorum' || one.timeoutMs <= other.timeoutMs;
}

function requirementOfTier(tier: Tier): Requirement {
  return requirementOf(tier).requirement;
}

/** Conditions of which an agent's word or spelling can make a tier be left out, and keep less strict ones from it. */
const HOLDABLE = ['categories', 'domains', 'routes', 'task', 'priceWithinPercent'] as const;

/**
 * Whether what an earlier tier of the old policy did to a payment that the new tier takes is done to it still: took it,
 * or was left out and kept every less strict tier from it.
 */
function keepsItsPlace(
  { before, after, streams, places }: Change,
  { earlier, old, tier }: { readonly earlier: Tier; readonly old: Tier; readonly tier: Tier },
): boolean {
  const sameStreams = streams.before === streams.after;
  if (isDisjoint(earlier.when, tier.when, sameStreams)) return true;
  const asMuch = asMuchAsked(tier, earlier);
  const place = places.get(textOf(earlier)) ?? Infinity;
  const stands = sameStreams && place < (places.get(textOf(tier)) ?? -1);
  // Where it stands and is left out, only tiers as strict come after it; consent to them must not last longer.
  const follows = asMuch || !asStrictAs(requirementOfTier(tier), requirementOfTier(earlier));
  if (stands && follows) return true;
  if (!asMuch) return false;
  return (
    asStrictAs(requirementOfTier(old), requirementOfTier(earlier)) ||
    !canBeLeftOut(earlier, tier, contextOf(before, after, 'permit'))
  );
}

function placesOf(tiers: readonly Tier[]): ReadonlyMap<string, number> {
  return new Map(tiers.map((tier, place) => [textOf(tier), place]));
}

const TEXTS = new WeakMap<Tier, string>();

/** All of a tier that decides. */
function textOf(tier: Tier): string {
  const known = TEXTS.get(tier);
  if (known !== undefined) return known;
  const { alternative: _, audit: __, budgets = [], ...rest } = tier;
  const limits = budgets.map(({ alternative: ___, ...limit }) => limit);
  const text = canonicalText({ ...rest, budgets: limits });
  TEXTS.set(tier, text);
  return text;
}

function canBeLeftOut({ when, budgets }: Tier, tier: Tier, context: Context): boolean {
  if (budgets?.some(({ scope }) => scope === 'task' || scope === 'session')) return true;
  const holdable: Conditions = {};
  for (const key of HOLDABLE)
    Object.assign(holdable, when[key] !== undefined && { [key]: when[key] });
  return !isNarrower(tier.when, holdable, context);
}
