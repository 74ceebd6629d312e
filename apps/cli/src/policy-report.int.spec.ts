import { describe, expect, it } from 'vitest';
import { startDesk } from './testing/desk.ts';
import { PLANNED } from './testing/samples.ts';

const SCENARIO = `
format: 1
start: 2027-01-04T08:00:00Z
payments:
  - { count: 100, everySeconds: 30, amount: '0.02', category: data }
  - { count: 3, afterSeconds: 90, everySeconds: 3600, amount: '1.00', category: article }
  - { amount: '400.00', category: data, seller: unknown }
`;

const scenarioOf = (lines: string[]) =>
  ['format: 1', 'start: 2027-01-04T08:00:00Z', 'payments:', ...lines.map((it) => `  - ${it}`)].join(
    '\n',
  );

describe('the report of a policy', () => {
  it('tells friction and exposure of a template on a scenario, and needs no server', async () => {
    await using desk = await startDesk({});
    const template = await desk.run('policy template research-agent');
    expect(template.out).toContain('name: research-agent');
    const policy = await desk.file('policy.yaml', template.out);
    const scenario = await desk.file('scenario.yaml', SCENARIO);
    const { code, out } = await desk.run(`policy report ${policy} --scenario ${scenario}`);
    expect(code).toBe(0);
    expect(out).toContain('104, 405.00 USD');
    expect(out).toContain('1 no_tier');
    expect(out).toMatch(/lookups +autonomous +100 +2\.00 USD +0 /);
    expect(out).toMatch(/articles +autonomous +3 +3\.00 USD +0 /);
    expect(out).toContain('no statement about any law');
  });

  it('lists templates, and refuses what is none', async () => {
    await using desk = await startDesk({});
    expect((await desk.run('policy template')).out.split('\n')).toContain('micro-api');
    expect(await desk.run('policy template wild')).toMatchObject({ code: 2 });
  });

  it.each([
    ['neither source of payments', '', 2],
    ['both', '--history --scenario scenario.yaml', 2],
  ])('refuses %s', async (_, options, code) => {
    await using desk = await startDesk({});
    const policy = await desk.file('policy.yaml', 'format: 1');
    expect((await desk.run(`policy report ${policy} ${options}`)).code).toBe(code);
  });

  it('names the field of a scenario that is wrong', async () => {
    await using desk = await startDesk({});
    const policy = await desk.file('policy.yaml', (await desk.run('policy template dev')).out);
    const scenario = await desk.file('s.yaml', SCENARIO.replace("'0.02'", "'0,02'"));
    const { code, err } = await desk.run(`policy report ${policy} --scenario ${scenario}`);
    expect(code).toBe(2);
    expect(err).toContain('payments[0].amount');
  });

  it('knows how the task of an expected payment stands', async () => {
    await using desk = await startDesk({});
    const policy = await desk.file('policy.yaml', PLANNED);
    const lines = [
      "{ amount: '1.00', task: trip, phase: planned, planCommitted: true }",
      "{ count: 2, amount: '1.00', task: trip, planCommitted: false }",
      "{ count: 4, amount: '1.00', task: trip, phase: exploring }",
    ];
    const scenario = await desk.file('scenario.yaml', scenarioOf(lines));
    const { out } = await desk.run(`policy report ${policy} --scenario ${scenario}`);
    expect(out).toMatch(/planned +autonomous +1 /);
    expect(out).toContain('2 no_tier, 4 task_exploring');
    const nameless = await desk.file('s.yaml', scenarioOf(["{ amount: '1.00', phase: planned }"]));
    const refused = await desk.run(`policy report ${policy} --scenario ${nameless}`);
    expect(refused).toMatchObject({ code: 2, err: expect.stringContaining('payments[0].task') });
  });

  it('reads the payments that were made', async () => {
    await using desk = await startDesk({
      listSellers: () => ({ sellers: [] }),
      listTasks: () => ({ tasks: [] }),
      listPayments: () => ({ payments: [], asOf: ['0:0'] }),
    });
    const policy = await desk.file('policy.yaml', (await desk.run('policy template dev')).out);
    const { code, out } = await desk.run(`policy report ${policy} --history`);
    expect(code).toBe(0);
    expect(out).toContain('0, 0.00 USD');
  });
});
