import { SERVICES, type Service } from '@countersign/contracts';
import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { found, manifestsOf, templateOf, workload } from './chart.ts';
import { PATHS } from './paths.ts';

const Rule = z.object({
  ports: z.array(z.object({ port: z.number() })),
});
const Policy = z.looseObject({
  podSelector: z.object({ matchLabels: z.record(z.string(), z.string()) }),
  ingress: z.array(Rule.extend({ from: z.array(z.unknown()) })),
  egress: z.array(Rule.extend({ to: z.array(z.unknown()) })),
});

/** Everybody there is in `network`, told apart by name and, where it may be chosen, by port. */
const PORTS = {
  ...{ kafka: 1, vault: 2, redis: 3, clickhouse: 4, collector: 5, chains: 6, webhook: 7 },
};
const peer = (is: string) => ({ podSelector: { matchLabels: { is } } });
const NAMED = [
  ...Object.entries(PORTS).flatMap(([server, port]) => [
    '--set-json',
    `network.${server}=${JSON.stringify({ peers: [peer(server)], port })}`,
  ]),
  ...['monitoring', 'ingress', 'dns'].flatMap((who) => [
    '--set-json',
    `network.${who}=${JSON.stringify([peer(who)])}`,
  ]),
];

type Server = keyof typeof PORTS;

const ALL: readonly Server[] = ['kafka', 'vault', 'collector'];
const REACHES: readonly [service: Service, hasDoor: boolean, servers: readonly Server[]][] = [
  ['intake', true, ALL],
  ['policy', true, [...ALL, 'redis']],
  ['approval', true, [...ALL, 'webhook']],
  ['signer', false, [...ALL, 'chains']],
  ['settlement', true, [...ALL, 'chains']],
  ['alerting', false, [...ALL, 'webhook']],
  ['recorder', true, [...ALL, 'clickhouse']],
];

describe('who speaks with whom', () => {
  const manifests = manifestsOf('external', ...NAMED);
  const policyOf = (component: string) =>
    Policy.parse(found(manifests, 'NetworkPolicy', `cs-${component}`).spec);
  const to = (server: Server) => ({
    to: [peer(server)],
    ports: [{ port: PORTS[server] }],
  });
  const names = { to: [peer('dns')], ports: [{ port: 53 }, { port: 53 }] };

  it.each(REACHES)('%s: has a door (%s), reaches %j and no others', (service, hasDoor, servers) => {
    const { podSelector, ingress, egress } = policyOf(service);
    const { labels } = templateOf(workload(manifests, service)).metadata;
    expect(podSelector.matchLabels).toEqual(labels);
    const askers = hasDoor ? ['monitoring', 'ingress'] : ['monitoring'];
    expect(ingress).toEqual(askers.map((who) => ({ from: [peer(who)], ports: [{ port: 8080 }] })));
    expect(new Set(egress)).toEqual(new Set([names, ...servers.map(to)]));
  });

  it('set-up: is asked by nobody, reaches Kafka and Vault and no others', () => {
    const { podSelector, ingress, egress } = policyOf('setup');
    expect(podSelector.matchLabels).toEqual(templateOf(found(manifests, 'Job')).metadata.labels);
    expect(ingress).toEqual([]);
    expect(new Set(egress)).toEqual(new Set([names, to('kafka'), to('vault')]));
  });

  it('is said of every program, and of nobody else', () => {
    const policies = manifests.filter(({ kind }) => kind === 'NetworkPolicy');
    expect(policies).toHaveLength(SERVICES.length + 1);
  });
});

describe('bundled servers', () => {
  const manifests = manifestsOf('bundled');

  it.each([
    ['policy', ['kafka', 'redis', 'vault']],
    ['signer', ['kafka', 'vault']],
    ['recorder', ['clickhouse', 'kafka', 'vault']],
    ['setup', ['kafka', 'vault']],
  ])('are reached by %s: %j', (component, servers) => {
    const { egress } = Policy.parse(found(manifests, 'NetworkPolicy', `cs-${component}`).spec);
    const labels = z.object({
      podSelector: z.object({ matchLabels: z.record(z.string(), z.string()) }),
    });
    const reached = egress.flatMap((rule) =>
      rule.to.flatMap((it) => {
        const { success, data } = labels.safeParse(it);
        return success ? [data.podSelector.matchLabels] : [];
      }),
    );
    const theirs = servers.map(
      (server) => templateOf(found(manifests, 'StatefulSet', `cs-${server}`)).metadata.labels,
    );
    expect(new Set(reached)).toEqual(new Set(theirs));
  });
});

describe('the ingress', () => {
  const Ingress = z.looseObject({
    rules: z.array(
      z.looseObject({
        http: z.looseObject({
          paths: z.array(
            z.looseObject({
              path: z.string(),
              pathType: z.literal('ImplementationSpecific'),
              backend: z.looseObject({ service: z.looseObject({ name: z.string() }) }),
            }),
          ),
        }),
      }),
    ),
  });
  let placeOf: (path: string) => string | undefined;

  beforeAll(() => {
    const ingress = manifestsOf('external').find(({ kind }) => kind === 'Ingress');
    const [rule] = Ingress.parse(ingress?.spec).rules;
    // As ingress-nginx does it: by descending length, whatever the order here, and the first that fits wins.
    const places = (rule?.http.paths ?? []).toSorted(
      (a, b) => b.path.length - a.path.length || (a.path > b.path ? -1 : 1),
    );
    placeOf = (asked) =>
      places.find(({ path }) => new RegExp(`^${path}`, 'i').test(asked))?.backend.service.name;
  });

  it.each(PATHS)('leads %s to %s', (path, service) => {
    expect(placeOf(path)).toBe(`cs-${service}`);
  });

  it('leads /metrics to nobody', () => {
    expect(placeOf('/metrics')).toBeUndefined();
  });
});
