import { InvariantViolation } from './invariant.ts';

/** What may be hashed or signed: no floats, no undefined, no dates, no bigint. */
export type Canonical =
  | null
  | boolean
  | number
  | string
  | readonly Canonical[]
  | { readonly [key: string]: Canonical | undefined };

/**
 * Canonical JSON text (RFC 8785), restricted to integers within ±2^53−1 so that every language prints the same digits.
 * Members whose value is `undefined` are absent. Keys sort by UTF-16 code units, as the RFC demands.
 *
 * @throws InvariantViolation for a non-integer, an unsafe integer, a lone surrogate or a foreign type.
 */
export function canonicalText(value: Canonical): string {
  switch (typeof value) {
    case 'string':
      if (!value.isWellFormed()) throw new InvariantViolation('lone surrogate in canonical text');
      return JSON.stringify(value);
    case 'boolean':
      return value ? 'true' : 'false';
    case 'number':
      if (!Number.isSafeInteger(value))
        throw new InvariantViolation(`not a safe integer: ${value}`);
      return Object.is(value, -0) ? '0' : String(value);
    case 'object':
      if (value === null) return 'null';
      return isList(value) ? listText(value) : objectText(value);
    default:
      throw new InvariantViolation(`no canonical form for ${typeof value}`);
  }
}

function isList(value: object): value is readonly Canonical[] {
  return Array.isArray(value);
}

function listText(list: readonly Canonical[]): string {
  return `[${list.map((item) => canonicalText(item)).join(',')}]`;
}

/** By key, the canonical texts of an object's members; those that are `undefined` are absent. */
export type MemberTexts = ReadonlyMap<string, string>;

/** Writes each member once, whatever the texts are then put together to; see {@link textOfMembers}. */
export function memberTexts(object: {
  readonly [key: string]: Canonical | undefined;
}): MemberTexts {
  const texts = new Map<string, string>();
  for (const [key, member] of Object.entries(object))
    if (member !== undefined) texts.set(key, canonicalText(member));
  return texts;
}

/** The canonical text of an object with these members. */
export function textOfMembers(texts: MemberTexts): string {
  const keys = [...texts.keys()];
  if (!areSorted(keys)) keys.sort();
  return `{${keys.map((key) => keyText(key) + (texts.get(key) ?? '')).join(',')}}`;
}

function objectText(object: { readonly [key: string]: Canonical | undefined }): string {
  const keys = Object.keys(object);
  if (!areSorted(keys)) keys.sort();
  let text = '';
  for (const key of keys) {
    const member = object[key];
    if (member === undefined) continue;
    if (text !== '') text += ',';
    text += keyText(key) + canonicalText(member);
  }
  return `{${text}}`;
}

/** Most objects were read from canonical text, and are in order already. */
function areSorted(keys: readonly string[]): boolean {
  return keys.every((key, index) => index === 0 || (keys[index - 1] ?? '') < key);
}

/** Keys are few and come again and again; the texts of the first of them are kept. */
const keyTexts = new Map<string, string>();
const KEY_TEXTS_MAX = 1_024;
const KEPT_KEY_LENGTH_MAX = 64;

function keyText(key: string): string {
  const known = keyTexts.get(key);
  if (known !== undefined) return known;
  const text = `${canonicalText(key)}:`;
  if (keyTexts.size < KEY_TEXTS_MAX && key.length <= KEPT_KEY_LENGTH_MAX) keyTexts.set(key, text);
  return text;
}
