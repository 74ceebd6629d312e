import type { Condition, Trait } from './finding.ts';
import type { Subject } from './subject.ts';

/** How each trait is read. Different values read differently: what is kept for one must never answer for another. */
export const TRAITS: Readonly<Record<Trait, (subject: Subject) => string>> = {
  agent: ({ facts }) => facts.agent,
  asset: ({ asset }) => asset,
  // Both are names, and no name has a slash.
  category: ({ category, assertedCategory }) =>
    assertedCategory === undefined ? category : `${category}/${assertedCategory}`,
  domain: ({ domain }) => domain,
  jurisdiction: ({ jurisdiction }) => jurisdiction,
  network: ({ facts }) => facts.quote.network,
  payTo: ({ facts }) => facts.quote.payTo,
  route: ({ facts }) => facts.established.route,
  seller: ({ facts }) => facts.established.seller,
  trust: ({ facts }) => facts.established.trust,
};

/** All that these conditions rest on; undefined where one rests on more than traits. */
export function traitsOf(conditions: readonly Condition[]): readonly Trait[] | undefined {
  const traits = new Set<Trait>();
  for (const { reads } of conditions) {
    if (!reads) return undefined;
    for (const trait of reads) traits.add(trait);
  }
  return [...traits];
}

/** One text for the values of these traits: lengths keep them apart, whatever an agent puts into its URL. */
export function keyOf([first, ...others]: readonly Trait[], subject: Subject): string {
  if (first === undefined) return '';
  let key = TRAITS[first](subject);
  for (const trait of others) key = `${key.length}:${key}${TRAITS[trait](subject)}`;
  return key;
}
