import type { Conditions, PolicyDocument } from '@countersign/contracts';
import { type Context, isNarrower } from './narrower.ts';
import { unitsOf } from './conditions.ts';

type Key = keyof Conditions;

/**
 * The prohibitions that the new policy does not cover. Of a prohibition any one condition is enough, so that all of them
 * together forbid the union of their conditions, each value for itself; the union is compared.
 */
export function prohibitionsDropped(before: PolicyDocument, after: PolicyDocument): string[] {
  const forbidden = new Map<Key, Conditions[]>();
  for (const { when } of after.prohibited)
    for (const atom of atomsOf(when)) {
      const key = keyOf(atom);
      const known = forbidden.get(key);
      if (known) known.push(atom);
      else forbidden.set(key, [atom]);
    }
  const joined = new Map([...forbidden].map(([key, atoms]) => [key, joinedOf(key, atoms)]));
  const context: Context = {
    use: 'restrict',
    streamOf: {
      inner: before.stream && unitsOf(before.stream.atMost),
      outer: after.stream && unitsOf(after.stream.atMost),
    },
  };
  return before.prohibited
    .filter(({ when }) => !atomsOf(when).every((atom) => isForbidden(atom, joined, context)))
    .map(({ id }) => id);
}

function atomsOf(when: Conditions): Conditions[] {
  return (Object.keys(when) as Key[]).flatMap((key) =>
    when[key] === undefined ? [] : [{ [key]: when[key] }],
  );
}

function keyOf(atom: Conditions): Key {
  return Object.keys(atom)[0] as Key;
}

/** Lists of one kind as one list; other conditions side by side. */
function joinedOf(key: Key, atoms: readonly Conditions[]): readonly Conditions[] {
  const values = atoms.map((atom) => atom[key]);
  if (!values.every((value) => Array.isArray(value))) return atoms;
  return [{ [key]: values.flat() }];
}

function isForbidden(
  atom: Conditions,
  joined: ReadonlyMap<Key, readonly Conditions[]>,
  context: Context,
): boolean {
  const key = keyOf(atom);
  // A trust of exactly so much is forbidden where at least so much is.
  const others = key === 'trustIs' ? (joined.get('trust') ?? []) : [];
  return [...(joined.get(key) ?? []), ...others].some((it) => isNarrower(atom, it, context));
}
