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
  // The engine writes a whole value several times as fast as it is written here, member by member.
  if (typeof value === 'object' && isInOrder(value)) return JSON.stringify(value);
  return textOf(value);
}

/**
 * Whether JSON as the engine writes it is the canonical text already, as with all that was read from canonical text.
 * False says nothing.
 */
function isInOrder(value: Canonical | undefined): boolean {
  switch (typeof value) {
    case 'string':
      return value.isWellFormed();
    case 'boolean':
      return true;
    case 'number':
      return Number.isSafeInteger(value);
    case 'object':
      if (value === null) return true;
      return isList(value) ? areAllInOrder(value) : areMembersInOrder(value);
    default:
      return false;
  }
}

function areAllInOrder(list: readonly Canonical[]): boolean {
  // Unlike `every` it does not pass over holes.
  for (const item of list) if (!isInOrder(item)) return false;
  return true;
}

function areMembersInOrder(object: { readonly [key: string]: Canonical | undefined }): boolean {
  // Anything else may have a `toJSON` of its own.
  if (Object.getPrototypeOf(object) !== Object.prototype) return false;
  let before: string | undefined;
  for (const key in object) {
    if ((before !== undefined && before >= key) || !key.isWellFormed()) return false;
    if (!isInOrder(object[key])) return false;
    before = key;
  }
  return true;
}

function textOf(value: Canonical): string {
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
  return `[${list.map((item) => textOf(item)).join(',')}]`;
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
  let text = '';
  for (const key of keys) {
    if (text !== '') text += ',';
    text += keyText(key) + (texts.get(key) ?? '');
  }
  return `{${text}}`;
}

function objectText(object: { readonly [key: string]: Canonical | undefined }): string {
  const keys = Object.keys(object);
  if (!areSorted(keys)) keys.sort();
  let text = '';
  for (const key of keys) {
    const member = object[key];
    if (member === undefined) continue;
    if (text !== '') text += ',';
    text += keyText(key) + textOf(member);
  }
  return `{${text}}`;
}

function areSorted(keys: readonly string[]): boolean {
  let before: string | undefined;
  for (const key of keys) {
    if (before !== undefined && before >= key) return false;
    before = key;
  }
  return true;
}

/** Keys are few and come again and again; the texts of the first of them are kept. */
const keyTexts = new Map<string, string>();
const KEY_TEXTS_MAX = 1_024;
const KEPT_KEY_LENGTH_MAX = 64;

function keyText(key: string): string {
  const known = keyTexts.get(key);
  if (known !== undefined) return known;
  const text = `${textOf(key)}:`;
  if (keyTexts.size < KEY_TEXTS_MAX && key.length <= KEPT_KEY_LENGTH_MAX) keyTexts.set(key, text);
  return text;
}
