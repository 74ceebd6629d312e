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

function objectText(object: { readonly [key: string]: Canonical | undefined }): string {
  const members: string[] = [];
  for (const key of Object.keys(object).sort()) {
    const member = object[key];
    if (member !== undefined) members.push(`${canonicalText(key)}:${canonicalText(member)}`);
  }
  return `{${members.join(',')}}`;
}
