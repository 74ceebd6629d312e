import { execFileSync } from 'node:child_process';
import { Metrics } from '@countersign/hosting/telemetry';
import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { fetchPrometheus, startPrometheus } from '../../deploy/local/prometheus.mjs';
import { autonomous } from '../e2e/policies.ts';
import { World } from '../e2e/world.ts';
import {
  ALERTS_FILE,
  ALERTS_TEST_FILE,
  type Expression,
  alertExpressions,
  panelExpressions,
} from './expressions.ts';

const Answer = z.object({
  status: z.literal('success'),
  data: z.object({ result: z.array(z.unknown()) }),
});

/** What asks for something that did not happen, and so may have nothing to show. */
const NOTHING_HAPPENED = [
  'alerts.yaml: CountersignRecordsIgnored',
  'alerts.yaml: CountersignReplicaIdle',
  'alerts.yaml: CountersignServiceGone',
];

describe('promtool', () => {
  it.each([
    ['check', ['check', 'rules', ALERTS_FILE]],
    ['test', ['test', 'rules', ALERTS_TEST_FILE]],
  ])('finds nothing to say in a %s of the alerts', async (_, args) => {
    const { paths, env } = await fetchPrometheus();
    const said = execFileSync(paths.promtool, args, { encoding: 'utf8', env });
    expect(said).toContain('SUCCESS');
  });
});

describe('every expression of dashboards and alerts', () => {
  let ask: (expr: string) => Promise<readonly unknown[]>;

  beforeAll(async () => {
    const { url, stop } = await scrapedWorld();
    ask = async (expr) => {
      const answer = await fetch(`${url}/api/v1/query?query=${encodeURIComponent(expr)}`);
      return Answer.parse(await answer.json()).data.result;
    };
    return stop;
  });

  it.each([...panelExpressions(), ...alertExpressions()])(
    'is answered: $where',
    async ({ where, expr }: Expression) => {
      if (NOTHING_HAPPENED.includes(where)) expect(await ask(expr)).toEqual([]);
      else await expect.poll(() => ask(expr), { timeout: 20_000 }).not.toEqual([]);
    },
  );

  it('is not, when nobody exports its metric', async () => {
    expect(await ask('max(countersign_no_such_metric)')).toEqual([]);
  });
});

/** A payment that ended well, one that is signed, and an effect that failed, in a process that Prometheus scrapes. */
async function scrapedWorld() {
  const metrics = new Metrics('standalone');
  metrics.watchArchive({ isRecording: true, waiting: 0 });
  const world = await World.create(':memory:', { telemetry: { metrics, isTraced: false } });
  await world.usePolicy(autonomous());
  const { body } = await world.propose();
  await world.present(body);
  await world.pass(10_000);
  await world.propose({ url: 'https://api.example.com/v1/other' });
  metrics.meter.failed('notify', 'notification_not_accepted');
  await world.services.app.listen(0, '127.0.0.1');
  const target = new URL(await world.services.app.getUrl()).host;
  const prometheus = await startPrometheus({
    config: [
      'global: { scrape_interval: 1s }',
      `rule_files: [${ALERTS_FILE}]`,
      'scrape_configs:',
      '  - job_name: countersign',
      `    static_configs: [{ targets: ['${target}'] }]`,
    ].join('\n'),
  });
  const stop = async () => {
    await prometheus.stop();
    await world.stop();
  };
  return { url: prometheus.url, stop };
}
