import { readFileSync } from 'node:fs';
import { ROUTES, type Route, type RouteName } from '@countersign/contracts';

interface Archive {
  readonly log: {
    readonly entries: readonly {
      readonly request: { readonly method: string; readonly url: string };
      readonly response: { readonly status: number };
    }[];
  };
}

/** @returns the routes of which a HAR file holds a request that was answered with success. */
export function enteredIn(file: string): ReadonlySet<RouteName> {
  const { log } = JSON.parse(readFileSync(file, 'utf8')) as Archive;
  const done = log.entries
    .filter(({ response: { status } }) => status >= 200 && status < 300)
    .map(({ request: { method, url } }) => `${method} ${new URL(url).pathname}`);
  const paths = [...new Set(done)];
  const routes = Object.entries<Route>(ROUTES)
    // Paths of their own first: no name in the path of another is one.
    .toSorted(([, one], [, other]) => one.path.split(':').length - other.path.split(':').length)
    .map(([name, { method, path }]) => ({
      name: name as RouteName,
      pattern: new RegExp(`^${method} ${path.replaceAll(/:[a-z]+/g, '[^/]+')}$`),
    }));
  const found = paths.map((path) => routes.find(({ pattern }) => pattern.test(path))?.name);
  return new Set(found.filter((name) => name !== undefined));
}
