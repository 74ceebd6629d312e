import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { z } from 'zod';
import { dashboards } from '../../deploy/observability/dashboards.ts';

export const ALERTS_FILE = fileURLToPath(
  new URL('../../deploy/observability/alerts.yaml', import.meta.url),
);
export const ALERTS_TEST_FILE = ALERTS_FILE.replace(/\.yaml$/, '.test.yaml');

const AlertRule = z.strictObject({
  alert: z.string(),
  expr: z.string(),
  for: z.string().optional(),
  labels: z.strictObject({ severity: z.enum(['critical', 'warning']) }),
  annotations: z.strictObject({ summary: z.string(), runbook: z.string() }),
});
const Alerts = z.strictObject({
  groups: z.array(z.strictObject({ name: z.string(), rules: z.array(AlertRule) })),
});

/** A question somebody asks Prometheus. */
export interface Expression {
  readonly where: string;
  readonly expr: string;
}

export function alertRules(): readonly z.infer<typeof AlertRule>[] {
  const { groups } = Alerts.parse(parse(readFileSync(ALERTS_FILE, 'utf8')));
  return groups.flatMap(({ rules }) => rules);
}

const Panels = z.object({
  panels: z.array(
    z.object({
      title: z.string().optional(),
      targets: z.array(z.object({ expr: z.string() })).optional(),
    }),
  ),
});

/** Of every panel, with Grafana's own variable as it would fill it. */
export function panelExpressions(): readonly Expression[] {
  return Object.entries(dashboards()).flatMap(([file, dashboard]) =>
    Panels.parse(dashboard).panels.flatMap(({ title = '', targets = [] }) =>
      targets.map(({ expr }) => ({
        where: `${file}: ${title}`,
        expr: expr.replaceAll('$__rate_interval', '1m'),
      })),
    ),
  );
}

/** Of every alert without its threshold: what it is compared with. */
export function alertExpressions(): readonly Expression[] {
  return alertRules().map(({ alert, expr }) => ({
    where: `alerts.yaml: ${alert}`,
    expr: expr.replace(/\s*(>|==)\s*[0-9.]+\s*$/, '').replaceAll(/\[\d+[mh]\]/g, '[1m]'),
  }));
}

const KEYWORDS = ['and', 'or', 'unless', 'on', 'ignoring', 'bool', 'offset'];

/** Metrics that an expression names: every name that is neither a function nor a label. */
export function metricsIn(expr: string): readonly string[] {
  const bare = expr
    .replaceAll(/"[^"]*"/g, '')
    .replaceAll(/\{[^}]*\}/g, '')
    .replaceAll(/\[[^\]]*\]/g, '')
    .replaceAll(/\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g, '');
  const names = [...bare.matchAll(/\b[a-zA-Z_:][\w:]*\b(?!\s*\()/g)].map(([name]) => name);
  return [...new Set(names.filter((name) => !KEYWORDS.includes(name)))];
}
