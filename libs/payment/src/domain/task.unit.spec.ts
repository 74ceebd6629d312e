import type { EventData } from '@countersign/contracts';
import { LaneBench, OWNER, SIGNATURE } from '@countersign/testkit';
import { beforeEach, describe, expect, it } from 'vitest';
import { agentOf } from './lane.ts';
import { owed } from './owed.ts';
import { RETURN_DUE_MS } from './payment.ts';
import { OPEN_TASKS_MAX } from './task-records.ts';
import { PLAN_CODE, type Task, availableTo, costOf, factsOfTask, taskAlertsOwed } from './task.ts';

const PLAN = '1'.repeat(64);
const ofTask = { ...OWNER, task: 'report' };
const ordered = { ...ofTask, by: 'owner', signature: SIGNATURE };
const codeOf = (judged: { applied: boolean; code?: string }) =>
  judged.applied ? null : judged.code;

let bench: LaneBench;
beforeEach(() => {
  bench = new LaneBench();
});

const open = (change: Partial<EventData<'task.opened'>> = {}) =>
  codeOf(bench.record('task.opened', { ...ordered, phase: 'executing', ...change }, 1));
const cost = (change: Partial<EventData<'task.cost_recorded'>> = {}) =>
  codeOf(
    bench.record(
      'task.cost_recorded',
      {
        ...ordered,
        reference: 'bill-1',
        kind: 'compute',
        amount: '300000',
        basis: 'asserted',
        ...change,
      },
      2,
    ),
  );
const outcome = (change: Partial<EventData<'outcome.recorded'>> = {}) =>
  codeOf(
    bench.record(
      'outcome.recorded',
      {
        ...OWNER,
        payments: [],
        reference: 'r-1',
        result: 'received',
        basis: 'asserted',
        by: OWNER.agent,
        signature: SIGNATURE,
        ...change,
      },
      3,
    ),
  );
const submitPlan = (plan = PLAN, estimate = '1000000') =>
  codeOf(
    bench.record(
      'task.plan_submitted',
      { ...ofTask, plan: { commitment: plan }, estimate, signature: SIGNATURE },
      2,
    ),
  );
const commitPlan = (plan = PLAN) =>
  codeOf(bench.record('task.plan_committed', { ...ordered, plan }, 3));
const setPhase = (to: 'exploring' | 'executing') =>
  codeOf(bench.record('task.phase_set', { ...ordered, to }, 4));
function task(): Task {
  const found = agentOf(bench.lane, OWNER.tenant, OWNER.agent).taskBooks.get('report');
  if (!found) throw new Error('no task');
  return found;
}
function settled(amount = '20000') {
  const payment = bench.signed(1_000, { task: 'report', quote: { amount } });
  bench.settle(payment, 2_000);
  return bench.payment(payment.id);
}

describe('phases', () => {
  beforeEach(() => void open({ phase: 'exploring' }));

  it('go from exploring over a committed plan to execution', () => {
    expect(setPhase('executing')).toBe('wrong_phase');
    expect(commitPlan()).toBe('plan_changed');
    expect(submitPlan()).toBeNull();
    expect(commitPlan('2'.repeat(64))).toBe('plan_changed');
    expect(commitPlan()).toBeNull();
    expect(task()).toMatchObject({ phase: 'planned', committed: { digest: PLAN } });
    expect(submitPlan()).toBe('wrong_phase');
    expect(setPhase('executing')).toBeNull();
    expect(task().phase).toBe('executing');
  });

  it('begin execution with the first authorization', () => {
    submitPlan();
    commitPlan();
    bench.signed(1_000, { task: 'report' });
    expect(task().phase).toBe('executing');
  });

  it('go back to exploring, and the plan is no longer committed', () => {
    submitPlan();
    commitPlan();
    expect(setPhase('exploring')).toBeNull();
    expect(factsOfTask(task())).toMatchObject({ phase: 'exploring', planCommitted: false });
    expect(commitPlan()).toBe('plan_changed');
  });

  it('wait for a person, who is told once of every plan that waits', () => {
    const told = (plan: string) => {
      const alert = { ...ofTask, code: PLAN_CODE, severity: 'info', plan } as const;
      return codeOf(bench.record('task.alerted', alert, 3));
    };
    expect(taskAlertsOwed(task())).toEqual([]);
    submitPlan();
    expect(taskAlertsOwed(task())).toEqual([PLAN_CODE]);
    expect([told(PLAN), told(PLAN)]).toEqual([null, 'duplicate']);
    bench.record('task.terms_set', { ...ordered, unit: 'USD', ceiling: '900000' }, 4);
    expect(taskAlertsOwed(task())).toEqual([]);
    submitPlan('2'.repeat(64));
    submitPlan('3'.repeat(64));
    expect(told('2'.repeat(64))).toBe('plan_changed');
    expect(taskAlertsOwed(task())).toEqual([PLAN_CODE]);
    commitPlan('3'.repeat(64));
    expect(taskAlertsOwed(task())).toEqual([]);
    expect(told('3'.repeat(64))).toBeNull();
  });

  it('end with the task', () => {
    expect(codeOf(bench.record('task.closed', { ...ofTask, by: 'owner' }, 5))).toBeNull();
    expect(task().phase).toBe('done');
    expect(setPhase('exploring')).toBe('wrong_phase');
  });

  it('are not ordered again by a repeated record', () => {
    submitPlan();
    const commit = () =>
      codeOf(bench.record('task.plan_committed', { ...ordered, plan: PLAN }, 3, 'one order'));
    expect(commit()).toBeNull();
    setPhase('exploring');
    submitPlan();
    expect(commit()).toBe('duplicate');
    expect(task().phase).toBe('exploring');
  });

  it('are none of the first version, which decides nothing', () => {
    open({ task: 'old' });
    bench.record('task.opened', { ...ordered, task: 'older' }, 1);
    const books = agentOf(bench.lane, OWNER.tenant, OWNER.agent).taskBooks;
    expect(factsOfTask(books.get('older'))).toBeUndefined();
    expect(factsOfTask(books.get('old'))).toMatchObject({ phase: 'executing' });
  });
});

describe('costs', () => {
  beforeEach(() => void open({ unit: 'USD', ceiling: '1000000' }));

  it('count once by their reference', () => {
    expect(cost()).toBeNull();
    expect(cost()).toBe('duplicate');
    expect(cost({ amount: '1' })).toBe('reference_used');
    expect(cost({ reference: 'bill-2' })).toBeNull();
    expect(costOf(task())).toBe(600_000n);
    expect(availableTo(task())).toBe(400_000n);
  });

  it('are corrected by a person, never by the agent', () => {
    cost();
    expect(cost({ basis: 'established', amount: '100000', by: 'owner' })).toBeNull();
    expect(task()).toMatchObject({ asserted: 0n, established: 100_000n });
    expect(cost({ amount: '1' })).toBe('reference_used');
  });

  it('need a unit to be counted in, which never changes', () => {
    open({ task: 'bare' });
    expect(cost({ task: 'bare' })).toBe('task_without_unit');
    const terms = { ...ordered, unit: 'EUR', ceiling: '1' };
    expect(codeOf(bench.record('task.terms_set', terms, 3))).toBe('wrong_unit');
  });

  it('come in after the task is done, too, and stay with its name', () => {
    bench.record('task.closed', { ...ofTask, by: 'owner' }, 2);
    expect(cost()).toBeNull();
    open({ unit: 'USD', ceiling: '2000000' });
    expect(costOf(task())).toBe(300_000n);
  });

  it('past the ceiling are alerted once under the same terms', () => {
    cost({ amount: '1000000' });
    expect(taskAlertsOwed(task())).toEqual([]);
    cost({ reference: 'last-straw', amount: '1' });
    expect(taskAlertsOwed(task())).toEqual(['task_over_ceiling']);
    const alert = { ...ofTask, code: 'task_over_ceiling', severity: 'critical' } as const;
    bench.record('task.alerted', alert, 3);
    expect(taskAlertsOwed(task())).toEqual([]);
    bench.record('task.terms_set', { ...ordered, unit: 'USD', ceiling: '900000' }, 4);
    expect(taskAlertsOwed(task())).toEqual(['task_over_ceiling']);
  });

  it('past a multiple of the lesser estimate stop the task', () => {
    const terms = { unit: 'USD', estimate: '2000000', stopAtPercent: 150 };
    bench.record('task.terms_set', { ...ordered, ...terms }, 2);
    expect(factsOfTask(task())?.stopAt).toBe('3000000');
    setPhase('exploring');
    submitPlan(PLAN, '1000000');
    expect(factsOfTask(task())?.stopAt).toBe('3000000');
    commitPlan();
    expect(factsOfTask(task())?.stopAt).toBe('1500000');
  });
});

describe('payments of a task', () => {
  beforeEach(() => void open({ unit: 'USD', ceiling: '1000000' }));

  it('are open while they are reserved, and spent once they are settled', () => {
    const payment = bench.signed(1_000, { task: 'report' });
    expect(task()).toMatchObject({ open: 20_000n, spent: 0n });
    bench.settle(payment, 2_000);
    expect(task()).toMatchObject({ open: 0n, spent: 20_000n });
  });

  it('are decided on the task as it stood at their quote', () => {
    const { payment } = bench.submit(1_000, { task: 'report' });
    cost();
    expect(payment?.taskTerms).toMatchObject({ reported: '0' });
    expect(
      bench.submit(1_001, { task: 'report', url: 'https://a.example/' }).payment,
    ).toMatchObject({ taskTerms: { reported: '300000' } });
  });

  it('free what they held when they end unpaid', () => {
    const payment = bench.signed(1_000, { task: 'report' });
    const finalized = { number: 9, hash: `0x${'d'.repeat(64)}`, timeMs: 90_000 };
    bench.record(
      'authorization.void',
      { ...OWNER, paymentId: payment.id, finalized, signature: SIGNATURE },
      90_000,
    );
    expect(costOf(task())).toBe(0n);
  });
});

describe('outcomes', () => {
  beforeEach(() => void open({ unit: 'USD' }));
  const alertOf = (id: string) =>
    owed(bench.payment(id)).find(({ code }) => code === 'nothing_came_back');

  it('are waited for after settlement, and end the wait', () => {
    const { id } = settled();
    expect(alertOf(id)?.dueAtMs).toBe(2_000 + RETURN_DUE_MS);
    expect(outcome({ task: 'report', payments: [id], value: '5000000' })).toBeNull();
    expect(alertOf(id)).toBeUndefined();
    expect(task().outcomes.get('r-1')).toMatchObject({ value: '5000000', payments: [id] });
  });

  it('that say nothing came are alerted at once, delivery or not', () => {
    const { id } = settled();
    bench.record(
      'delivery.reported',
      { ...OWNER, paymentId: id, status: 200, signature: SIGNATURE },
      3_000,
    );
    expect(alertOf(id)).toBeUndefined();
    outcome({ payments: [id], result: 'nothing', basis: 'established', by: 'owner' });
    expect(alertOf(id)?.dueAtMs).toBe(2_000);
    expect(outcome({ payments: [id], reference: 'r-2' })).toBe('reference_used');
    expect(alertOf(id)).toBeDefined();
  });

  it('are of payments that exist, of the task that is named', () => {
    const { id } = settled();
    expect(outcome({ payments: [`pay_0_${'9'.repeat(32)}`] })).toBe('payment_unknown');
    open({ task: 'other', unit: 'USD' });
    expect(outcome({ task: 'other', payments: [id] })).toBe('wrong_task');
    expect(outcome({ task: 'never-opened' })).toBe('task_unknown');
  });
});

it('refuses one task more than may be open', () => {
  for (let index = 0; index < OPEN_TASKS_MAX; index += 1)
    expect(open({ task: `t-${index}` })).toBeNull();
  expect(open({ task: 'one-more' })).toBe('too_many_open_tasks');
});
