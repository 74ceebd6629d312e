import type { Conditions } from '@countersign/contracts';
import type { Subject } from './subject.ts';

/** Conditions that compare for equality, the most selective first. */
const KEYS = [
  'sellers',
  'payTo',
  'domains',
  'categories',
  'jurisdictions',
  'agents',
  'assets',
  'networks',
  'trustIs',
] as const;
type Key = (typeof KEYS)[number];
const INDEXED: ReadonlySet<string> = new Set(KEYS);

/**
 * Under which values a payment is looked up. More than one where an agent's spelling or word may count against it: a
 * rule found needlessly is merely checked and not met, a rule not found would be a rule evaded.
 */
const LOOKUPS: readonly { readonly key: Key; readonly read: (subject: Subject) => string }[] = [
  { key: 'sellers', read: ({ facts }) => facts.established.seller },
  { key: 'payTo', read: ({ facts }) => facts.quote.payTo },
  { key: 'domains', read: ({ domain }) => domain },
  { key: 'domains', read: ({ host }) => host },
  { key: 'categories', read: ({ category }) => category },
  { key: 'categories', read: ({ category, assertedCategory }) => assertedCategory ?? category },
  { key: 'jurisdictions', read: ({ jurisdiction }) => jurisdiction },
  { key: 'agents', read: ({ facts }) => facts.agent },
  { key: 'assets', read: ({ asset }) => asset },
  { key: 'networks', read: ({ facts }) => facts.quote.network },
  { key: 'trustIs', read: ({ facts }) => facts.established.trust },
];

/** Finds the rules that may be met by a payment, in rule order; all others are certainly not met. */
export type RuleIndex = (subject: Subject) => readonly number[];

/**
 * Index over rules all of whose conditions must hold: each rule stands under its most selective equality condition, that
 * is the one whose values it shares with the fewest other rules.
 *
 * @param indexFrom below so many rules all are checked, which costs little and explains each by its own values.
 */
export function indexAll(rules: readonly Conditions[], indexFrom: number): RuleIndex {
  if (rules.length < indexFrom) return everyRule(rules.length);
  const shared = countShared(rules);
  const table = new Table();
  rules.forEach((when, rule) => {
    let best: { key: Key; sharedBy: number } | undefined;
    for (const key of KEYS) {
      const values = valuesOf(when, key);
      if (!values) continue;
      const sharedBy = values.reduce(
        (most, value) => Math.max(most, shared[key].get(value) ?? 0),
        0,
      );
      if (!best || sharedBy < best.sharedBy) best = { key, sharedBy };
    }
    if (best) table.put(best.key, valuesOf(when, best.key) ?? [], rule);
    else table.always.push(rule);
  });
  return table.index();
}

/** Index over rules of which any one condition is enough: a rule stands under every value of each of them. */
export function indexAny(rules: readonly Conditions[], indexFrom: number): RuleIndex {
  if (rules.length < indexFrom) return everyRule(rules.length);
  const table = new Table();
  rules.forEach((when, rule) => {
    if (Object.entries(when).some(([name, value]) => value !== undefined && !INDEXED.has(name)))
      table.always.push(rule);
    else for (const key of KEYS) table.put(key, valuesOf(when, key) ?? [], rule);
  });
  return table.index();
}

function everyRule(count: number): RuleIndex {
  const all = Array.from({ length: count }, (_, rule) => rule);
  return () => all;
}

function valuesOf(when: Conditions, key: Key): readonly string[] | undefined {
  if (key === 'trustIs') return when.trustIs && [when.trustIs];
  return when[key];
}

function countShared(rules: readonly Conditions[]): Record<Key, Map<string, number>> {
  const shared = Object.fromEntries(KEYS.map((key) => [key, new Map<string, number>()]));
  for (const when of rules)
    for (const key of KEYS)
      for (const value of new Set(valuesOf(when, key)))
        shared[key]?.set(value, (shared[key].get(value) ?? 0) + 1);
  return shared as Record<Key, Map<string, number>>;
}

class Table {
  readonly always: number[] = [];
  readonly #rules = new Map<Key, Map<string, number[]>>();

  put(key: Key, values: readonly string[], rule: number): void {
    const byValue = this.#rules.get(key) ?? new Map<string, number[]>();
    this.#rules.set(key, byValue);
    for (const value of new Set(values)) {
      const rules = byValue.get(value);
      if (rules) rules.push(rule);
      else byValue.set(value, [rule]);
    }
  }

  index(): RuleIndex {
    const { always } = this;
    const lookups = LOOKUPS.flatMap(({ key, read }) => {
      const byValue = this.#rules.get(key);
      return byValue ? [{ read, byValue }] : [];
    });
    return (subject) => {
      let found: readonly number[] = always;
      for (const { read, byValue } of lookups) {
        const rules = byValue.get(read(subject));
        if (rules && rules !== found) found = found.length === 0 ? rules : merged(found, rules);
      }
      return found;
    };
  }
}

/** Two ascending lists as one, each number once. */
function merged(one: readonly number[], other: readonly number[]): readonly number[] {
  const both: number[] = [];
  let [left, right] = [0, 0];
  for (;;) {
    const [a = Infinity, b = Infinity] = [one[left], other[right]];
    if (a === Infinity && b === Infinity) return both;
    both.push(Math.min(a, b));
    if (a <= b) left += 1;
    if (b <= a) right += 1;
  }
}
