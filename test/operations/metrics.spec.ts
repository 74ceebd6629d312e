import { readFileSync } from 'node:fs';
import { Metrics } from '@countersign/hosting/telemetry';
import { describe, expect, it, onTestFinished } from 'vitest';
import { autonomous } from '../e2e/policies.ts';
import { World } from '../e2e/world.ts';
import { alertExpressions, alertRules, metricsIn, panelExpressions } from './expressions.ts';

/** One payment to its end, and what Prometheus would be told. */
async function scraped(): Promise<{ text: string; names: ReadonlySet<string> }> {
  const metrics = new Metrics('standalone');
  metrics.watchArchive({ isRecording: true, waiting: 7 });
  const world = await World.create(':memory:', { telemetry: { metrics, isTraced: false } });
  onTestFinished(() => world.stop());
  await world.usePolicy(autonomous());
  const { body } = await world.propose();
  await world.present(body);
  await world.pass(10_000);
  const text = await metrics.text();
  const types = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)];
  const names = types.flatMap(([, name = '', type]) =>
    type === 'histogram' ? ['_bucket', '_sum', '_count'].map((end) => name + end) : [name],
  );
  return { text, names: new Set(names) };
}

/** Prometheus makes this one itself. */
const OF_PROMETHEUS = ['up'];

describe('what a service tells Prometheus', () => {
  it('counts what happened to a payment', async () => {
    const { text } = await scraped();
    const lines = text.split('\n').map((line) => line.replace(',service="standalone"', ''));
    expect(lines).toEqual(
      expect.arrayContaining([
        'countersign_decisions_total{outcome="allow"} 1',
        'countersign_signatures_total{service="standalone"} 1',
        'countersign_events_folded_total{event="settlement.final"} 1',
        'countersign_events_folded_total{event="signing.refused"} 0',
        'countersign_stopped{what="wallet_frozen"} 0',
        'countersign_lanes{service="standalone"} 4',
        'countersign_duty_lanes{service="standalone"} 4',
        'countersign_fold_lag_records{lane="control"} 0',
        'countersign_log_answers{service="standalone"} 1',
        'countersign_event_store_open{service="standalone"} 1',
        'countersign_unarchived_records{service="standalone"} 7',
        'countersign_debts_paid_total{kind="decide"} 1',
        'countersign_http_seconds_count{service="standalone",method="POST",route="/v1/payments",status="200"} 1',
      ]),
    );
  });

  it('has all that dashboards and alerts ask for', async () => {
    const { names } = await scraped();
    const known = new Set([...names, ...OF_PROMETHEUS]);
    const asked = [...panelExpressions(), ...alertExpressions()];
    expect(asked.length).toBeGreaterThan(30);
    const unknown = asked.flatMap(({ where, expr }) =>
      metricsIn(expr)
        .filter((name) => !known.has(name))
        .map((name) => `${where}: ${name}`),
    );
    expect(unknown).toEqual([]);
  });

  it('is named as ours, but for what every Node process tells', async () => {
    const { names } = await scraped();
    const foreign = [...names].filter((name) => !/^(countersign|process|nodejs)_/.test(name));
    expect(foreign).toEqual([]);
  });
});

describe('an alert', () => {
  const page = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');
  const headings = [...page.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replaceAll(/[^a-z0-9 -]/g, '')
      .replaceAll(' ', '-'),
  );

  it.each(alertRules())('$alert says what to do', ({ annotations: { runbook } }) => {
    const [file, heading] = runbook.split('#');
    expect(file).toBe('docs/operations.md');
    expect(headings).toContain(heading);
  });
});

describe('the names in an expression', () => {
  it('are those of metrics, not of functions or labels', () => {
    const expr =
      'max by (service) (a_b{c="d"}) - sum by (x) (rate(e_f[5m])) > 0 and on (y) g unless h';
    expect(metricsIn(expr)).toEqual(['a_b', 'e_f', 'g', 'h']);
  });
});
