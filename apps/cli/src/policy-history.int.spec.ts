import type { AnswerOf, PaymentView } from '@countersign/sdk';
import { describe, expect, it } from 'vitest';
import { type Desk, startDesk } from './testing/desk.ts';
import { PAY_TO, PLANNED, samplePayment } from './testing/samples.ts';

type TaskView = AnswerOf<'listTasks'>['tasks'][number];
type Seller = AnswerOf<'listSellers'>['sellers'][number];

const PAID_MS = Date.UTC(2026, 10, 20, 14);
const SHOP: Seller = {
  seller: 'shop',
  domain: 'api.example.com',
  payTo: [{ network: 'eip155:84532', address: PAY_TO }],
  trust: 'known',
  category: 'household',
  jurisdiction: 'DE',
  takes: 'any',
  routes: [],
};

/** A task as it stands today, opened before anything was paid. */
const task = (change: Partial<TaskView> = {}): TaskView => ({
  agent: 'research-1',
  task: 'trip',
  phase: 'executing',
  ...{ unit: null, ceiling: null, estimate: null, stopAtPercent: null, stopAt: null },
  ...{ spent: '0', open: '0', available: null, stopped: false },
  reported: { established: '0', asserted: '0' },
  value: { established: '0', asserted: '0' },
  plan: null,
  openedBy: 'owner',
  openedAtMs: PAID_MS - 1_000,
  position: '3:1',
  ...change,
});
const committed = {
  digest: '1'.repeat(64),
  committed: true,
  estimate: null,
  submittedAtMs: PAID_MS - 500,
};
const inTask = (phase: TaskView['phase'] = 'executing') => ({
  task: { task: 'trip', phase, unit: null, available: null },
});
const paid = (change: Partial<PaymentView> = {}) =>
  samplePayment({
    submittedAtMs: PAID_MS,
    tier: 'small',
    quote: { ...samplePayment().quote, amount: '500000' },
    ...change,
  });

/** A desk at which so many equal payments were made. */
const deskOf = (payments: readonly PaymentView[], tasks: readonly TaskView[] = []) =>
  startDesk({
    listSellers: () => ({ sellers: [SHOP] }),
    listTasks: () => ({ tasks: [...tasks] }),
    listPayments: ({ query: { before, limit } }) => {
      const from = payments.findIndex(({ id }) => id === before) + 1;
      return { payments: payments.slice(from, from + Number(limit)), asOf: ['0:0'] };
    },
  });
const report = async (desk: Desk, policy: string) =>
  desk.run(`policy report ${await desk.file('policy.yaml', policy)} --history`);
const numbered = (count: number, change: Partial<PaymentView>) =>
  Array.from({ length: count }, (_, index) =>
    paid({ id: `pay_3_${index.toString(16).padStart(32, '0')}`, ...change }),
  );

const SESSION: NonNullable<PaymentView['session']> = {
  ...{ session: 'run-7', state: 'closed', unit: null, available: null },
  expiresAtMs: PAID_MS + 1,
};

describe('a policy tried on the payments that were made', () => {
  it('takes payments of tasks that were open', async () => {
    await using desk = await deskOf(numbered(5, inTask()), [task()]);
    const { out: shopping } = await desk.run('policy template shopping');
    const { code, out } = await report(desk, shopping);
    expect(code).toBe(0);
    expect(out).toMatch(/basket +supervised +5 /);
    expect(out).toMatch(/denied +0,/);
    expect(out).not.toContain('not known here');
  });

  it('denies those without a task, and those whose task nobody had opened', async () => {
    const payments = [
      ...numbered(2, {}),
      paid({ tier: null, reasons: ['no_tier', 'task_unknown'] }),
      paid({ ...inTask(), tier: null, reasons: ['task_unknown'] }),
    ];
    await using desk = await deskOf(payments, [task()]);
    const { out: shopping } = await desk.run('policy template shopping');
    const { out } = await report(desk, shopping);
    expect(out).toContain('2 task_unknown, 2 task_required');
  });

  it.each<[string, Partial<PaymentView>, TaskView[], string]>([
    ['a plan that was committed by then', inTask(), [task({ plan: committed })], 'planned'],
    [
      'a plan, and the task is done since',
      inTask('done'),
      [task({ plan: committed, phase: 'done' })],
      'planned',
    ],
    ['a task that never had a plan', inTask(), [task()], 'no_tier'],
    [
      'a task that explored',
      { ...inTask('planned'), tier: null, reasons: ['task_exploring'] },
      [task({ plan: committed, phase: 'planned' })],
      'task_exploring',
    ],
    [
      'a task that was done',
      { ...inTask('done'), tier: null, reasons: ['task_done'] },
      [task({ phase: 'done' })],
      'task_done',
    ],
    [
      'a task that went back to exploring',
      inTask('exploring'),
      [task({ phase: 'exploring' })],
      'unknown',
    ],
    [
      'a plan of later',
      inTask(),
      [task({ plan: { ...committed, submittedAtMs: PAID_MS + 1 } })],
      'unknown',
    ],
    ['a task that was opened again', inTask(), [task({ openedAtMs: PAID_MS + 1 })], 'unknown'],
    ['a task that is not listed', inTask(), [], 'unknown'],
  ])('knows %s', async (_, change, tasks, found) => {
    await using desk = await deskOf([paid(change)], tasks);
    const { out } = await report(desk, PLANNED);
    if (found === 'planned') expect(out).toMatch(/planned +autonomous +1 /);
    else if (found === 'unknown')
      expect(out).toMatch(/^1 payment named a task that is not known here/m);
    else expect(out).toContain(`1 ${found}`);
    expect(out.includes('are denied')).toBe(found !== 'planned' && found !== 'unknown');
  });

  it('does not take a task for open that was opened later', async () => {
    await using desk = await deskOf(numbered(2, inTask()), [task({ openedAtMs: PAID_MS + 1 })]);
    const { out: shopping } = await desk.run('policy template shopping');
    const { out } = await report(desk, shopping);
    expect(out).toMatch(/payments +0,/);
    expect(out).toContain('2 payments named a task that is not known here');
  });

  it('leaves nothing out where the policy reads nothing of tasks', async () => {
    await using desk = await deskOf([paid(inTask())]);
    const { out: dev } = await desk.run('policy template dev');
    const { out } = await report(desk, dev);
    expect(out).toMatch(/payments +1,/);
    expect(out).not.toContain('not known here');
  });

  it.each<[string, Partial<PaymentView>, string]>([
    ['was open', { session: { ...SESSION, expiresAtMs: PAID_MS + 1 } }, 'denied +0,'],
    ['was over', { session: { ...SESSION, expiresAtMs: PAID_MS } }, '1 session_expired'],
    [
      'was closed',
      { session: SESSION, tier: null, reasons: ['session_closed'] },
      '1 session_closed',
    ],
    ['nobody had opened', { tier: null, reasons: ['session_unknown'] }, '1 session_unknown'],
  ])('knows a session that %s', async (_, change, found) => {
    await using desk = await deskOf([paid(change)]);
    const { out: dev } = await desk.run('policy template dev');
    expect((await report(desk, dev)).out).toMatch(new RegExp(found));
  });

  it('says where it stops', async () => {
    await using desk = await deskOf(numbered(10_001, {}));
    const { out: dev } = await desk.run('policy template dev');
    const { out } = await report(desk, dev);
    expect(out).toMatch(/payments +10000,/);
    expect(out).toContain('Only the newest 10000 payments are looked at');
  });
});
