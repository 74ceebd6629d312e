import { ROUTES } from '@countersign/contracts';
import { describe, expect, it } from 'vitest';
import { serviceFor } from './ingress.ts';

const routes = Object.entries(ROUTES).map(([name, { path, service }]) => ({ name, path, service }));

describe('one base URL', () => {
  it.each(routes)('leads $name ($path) to $service', ({ path, service }) => {
    expect(serviceFor(path.replaceAll(/:[a-z]+/gi, 'x-1'))).toBe(service);
  });

  it('needs nothing but paths, so that any ingress can do it', () => {
    const services = new Map<string, Set<string>>();
    for (const { path, service } of routes)
      services.set(path, (services.get(path) ?? new Set()).add(service));
    expect([...services].filter(([, all]) => all.size > 1)).toEqual([]);
  });

  it.each([
    ['/', 'approval'],
    ['/approve', 'approval'],
    ['/approve/approve.js', 'approval'],
    ['/openapi.json', 'intake'],
    ['/v1/nothing', 'intake'],
  ])('leads %s to %s', (path, service) => {
    expect(serviceFor(path)).toBe(service);
  });
});
