import fc from 'fast-check';
import type { Json, RightRequest } from './right-requests.ts';

/** Values that programs trip over, beside whatever JSON there is. */
const awkward = fc.oneof(
  fc.constantFrom<Json>(
    ...[null, '', '0', '-1', '1e3', '0x', 'NaN', -0, 1e308, 2 ** 53, [], {}, '\u0000', '\ud800'],
    ...['__proto__', 'constructor', '../..', '%00', 'eip155:0', 'x'.repeat(5_000)],
  ),
  fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<Json>,
);

/** How one place of a request is spoilt, whatever the request. */
export type Spoiling =
  | { readonly how: 'another'; readonly place: number; readonly value: Json }
  | { readonly how: 'without'; readonly place: number }
  | { readonly how: 'more'; readonly name: string; readonly value: Json };

export const spoilings: fc.Arbitrary<Spoiling> = fc.oneof(
  fc.record({ how: fc.constant('another' as const), place: fc.nat(), value: awkward }),
  fc.record({ how: fc.constant('without' as const), place: fc.nat() }),
  fc.record({ how: fc.constant('more' as const), name: fc.string(), value: awkward }),
);

/** A request of which one place is spoilt: `field` is its path as refusals name it, where another value stands there. */
export interface SpoiltRequest {
  readonly request: RightRequest;
  readonly field?: string;
}

/** The request with one of its parameters, of its query or of its body spoilt. */
export function spoiltRequest(right: RightRequest, spoiling: Spoiling): SpoiltRequest {
  const parts = right as { [name: string]: Json };
  const paths = pathsIn(parts).filter((path) => path.length > 1 || path[0] === 'body');
  if (spoiling.how === 'more' || paths.length === 0) {
    const [name, value] = spoiling.how === 'more' ? [spoiling.name, spoiling.value] : ['x', ''];
    if (typeof right.body === 'object')
      return { request: { ...right, body: { ...right.body, [name]: value } } };
    return { request: { ...right, query: { ...right.query, [name]: textOf(value) } } };
  }
  const path = paths[spoiling.place % paths.length] ?? [];
  const isBody = path[0] === 'body';
  if (spoiling.how === 'without') {
    // A parameter cannot be left out of a path: its place stays empty.
    const without = path[0] === 'params' ? withValue(parts, path, '') : withoutValue(parts, path);
    return { request: without as RightRequest };
  }
  const { value } = spoiling;
  const request = withValue(parts, path, isBody ? value : textOf(value)) as RightRequest;
  return { request, field: path.slice(1).join('.') };
}

/** A body of which one place is spoilt. */
export const spoilt = (right: Json): fc.Arbitrary<Json> =>
  spoilings.map((spoiling) => spoiltRequest({ body: right }, spoiling).request.body ?? null);

function textOf(value: Json): string {
  return (typeof value === 'string' ? value : JSON.stringify(value)).toWellFormed();
}

/** Every path to a value in a JSON text. */
function pathsIn(value: Json, path: readonly string[] = []): readonly (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([name, it]) => pathsIn(it, [...path, name]))];
}

function withValue(value: Json, [name, ...rest]: readonly string[], other: Json): Json {
  if (name === undefined) return other;
  const copy = structuredClone(value) as { [name: string]: Json };
  copy[name] = withValue(copy[name] ?? null, rest, other);
  return copy;
}

function withoutValue(value: Json, [name = '', ...rest]: readonly string[]): Json {
  if (Array.isArray(value) && rest.length === 0)
    return value.filter((_, index) => String(index) !== name);
  const copy = structuredClone(value) as { [name: string]: Json };
  if (rest.length > 0) copy[name] = withoutValue(copy[name] ?? null, rest);
  else delete copy[name];
  return copy;
}
