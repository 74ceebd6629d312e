import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SERVICES } from '@countersign/contracts';
import { describe, expect, it, onTestFinished } from 'vitest';
import { stringify } from 'yaml';
import { z } from 'zod';
import { fetchPrometheus } from '../../deploy/local/prometheus.mjs';
import { found, manifestsOf, templateOf } from './chart.ts';
import { alertRules } from './expressions.ts';

const COMPONENT = 'app.kubernetes.io/component';
const labels = z.record(z.string(), z.string());
/** As far as the chart uses it; a misspelt field would be dropped by the Operator without a word. */
const PodMonitorSpec = z.strictObject({
  selector: z.strictObject({
    matchLabels: labels,
    matchExpressions: z.tuple([
      z.strictObject({
        key: z.literal(COMPONENT),
        operator: z.literal('In'),
        values: z.array(z.string()),
      }),
    ]),
  }),
  podMetricsEndpoints: z.tuple([
    z.strictObject({
      port: z.string(),
      path: z.literal('/metrics'),
      honorLabels: z.literal(true),
      relabelings: z.tuple([
        z.strictObject({
          sourceLabels: z.tuple([z.string()]),
          targetLabel: z.literal('job'),
          replacement: z.string(),
        }),
      ]),
    }),
  ]),
});

describe('for the Prometheus Operator, the chart', () => {
  const manifests = manifestsOf('external');
  const monitor = found(manifests, 'PodMonitor');
  const rules = found(manifests, 'PrometheusRule');

  it('has the services scraped, each as a job of its name, and nothing else', () => {
    const { selector, podMetricsEndpoints } = PodMonitorSpec.parse(monitor.spec);
    const [endpoint] = podMetricsEndpoints;
    const [{ sourceLabels, replacement }] = endpoint.relabelings;
    const [{ values }] = selector.matchExpressions;
    const scraped = manifestsOf('bundled')
      .filter(({ kind }) => kind === 'StatefulSet' || kind === 'Job')
      .map(templateOf)
      .filter(({ metadata }) =>
        Object.entries(selector.matchLabels).every(([name, it]) => metadata.labels[name] === it),
      )
      .filter(({ metadata }) => values.includes(metadata.labels[COMPONENT] ?? ''));
    // How Prometheus writes a pod's label, and the job of what has it.
    const meta = `__meta_kubernetes_pod_label_${COMPONENT.replaceAll(/[^a-z]/g, '_')}`;
    expect(sourceLabels).toEqual([meta]);
    const jobs = scraped.map(({ metadata }) =>
      replacement.replace('$1', metadata.labels[COMPONENT] ?? ''),
    );
    expect(jobs.toSorted()).toEqual(SERVICES.map((it) => `countersign-${it}`).toSorted());
    for (const { spec } of scraped)
      expect(spec.containers[0]['ports']).toContainEqual(
        expect.objectContaining({ name: endpoint.port }),
      );
  });

  it('leaves nothing to be scraped twice', () => {
    const annotated = (values: 'external' | 'bundled') =>
      SERVICES.filter((service) => {
        const { metadata } = templateOf(found(manifestsOf(values), 'StatefulSet', `cs-${service}`));
        return 'annotations' in metadata;
      });
    expect(annotated('external')).toEqual([]);
    expect(annotated('bundled')).toEqual(SERVICES);
  });

  it('has the alerts as a rule, as Prometheus takes them', async () => {
    const { groups } = z
      .strictObject({
        groups: z.array(z.strictObject({ name: z.string(), rules: z.array(z.unknown()) })),
      })
      .parse(rules.spec);
    expect(groups.flatMap((group) => group.rules)).toEqual(alertRules());
    const folder = mkdtempSync(join(tmpdir(), 'countersign-rules-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'rules.yaml');
    writeFileSync(file, stringify(rules.spec));
    const { paths, env } = await fetchPrometheus();
    const said = execFileSync(paths.promtool, ['check', 'rules', file], { encoding: 'utf8', env });
    expect(said).toContain('SUCCESS');
  });

  it('labels both as the values say, for a Prometheus that chooses', () => {
    for (const { metadata } of [monitor, rules])
      expect(metadata.labels).toMatchObject({
        release: 'prometheus',
        'app.kubernetes.io/instance': 'cs',
      });
  });

  it('says nothing where it is not asked to', () => {
    const kinds = manifestsOf('bundled').map(({ kind }) => kind);
    expect(kinds).not.toContain('PodMonitor');
    expect(kinds).not.toContain('PrometheusRule');
  });
});
