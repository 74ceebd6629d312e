import { ROUTES, type Service } from '@countersign/contracts';

/** A path of every route of the API, and of what is none, with the service that answers it. */
export const PATHS: readonly (readonly [path: string, service: Service])[] = [
  ...Object.values(ROUTES).map(
    ({ path, service }) => [path.replaceAll(/:[a-z]+/gi, 'one'), service] as const,
  ),
  ['/', 'approval'],
  ['/approve', 'approval'],
  ['/approve/approve.js', 'approval'],
  ['/healthz', 'intake'],
  ['/readyz', 'intake'],
  ['/openapi.json', 'intake'],
  ['/asyncapi.json', 'intake'],
  ['/v1/no-such-route', 'intake'],
];
