import type { PaymentView, Problem, TaskDetails, TaskView } from '@countersign/contracts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { autonomous, planned } from './policies.ts';
import { World } from './world.ts';

const TASK = '/v1/agents/research-1/tasks/report';
const HOUR_MS = 3_600_000;
let world: World;
beforeEach(async () => {
  world = await World.create();
  await world.usePolicy(autonomous());
});
afterEach(() => world.stop());

const open = (body: object, who = 'owner') =>
  world.call<Problem>(who, 'POST', '/v1/agents/research-1/tasks', {
    body: { task: 'report', ...body },
  });
const post = <T = Problem>(who: string, path: string, body: object) =>
  world.call<T>(who, 'POST', `${TASK}${path}`, { body });
const read = async (who = 'owner') => (await world.call<TaskDetails>(who, 'GET', TASK)).body;
/** One payment of the task, of so many dollars, for something nobody bought before. */
let bought = 0;
const buy = (dollars: string, change: object = {}) =>
  world.propose({
    task: 'report',
    url: `https://api.example.com/v1/${(bought += 1)}`,
    quote: { amount: String(Number(dollars) * 1_000_000) },
    ...change,
  });
const cost = (who: string, amount: string, reference = 'bill-1') =>
  post(who, '/costs', { reference, kind: 'compute', amount });

describe('a ceiling', () => {
  beforeEach(() => open({ unit: 'USD', ceiling: '1000000' }));

  it('holds for payments side by side, and says what is left in every answer', async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, () => buy('0.30')));
    const statuses = answers.map(({ body }) => body.status);
    expect(statuses.filter((status) => status === 'signed')).toHaveLength(3);
    const denied = answers.filter(({ body }) => body.status === 'denied');
    expect(denied.map(({ body }) => body.code)).toEqual(Array(5).fill('ceiling_exceeded'));
    expect(denied[0]?.body.task).toMatchObject({ task: 'report', available: '100000' });
    expect(await read()).toMatchObject({ open: '900000', spent: '0', available: '100000' });
  });

  it('takes off what an agent says it spent elsewhere, and is not raised by it', async () => {
    expect((await cost('research-1', '800000')).status).toBe(200);
    expect((await cost('research-1', '800000')).status).toBe(200);
    expect((await buy('0.30')).body.code).toBe('ceiling_exceeded');
    expect((await buy('0.20')).body.status).toBe('signed');
    expect((await cost('research-1', '1')).body.code).toBe('reference_used');
    expect((await cost('owner', '100000')).status).toBe(200);
    expect((await buy('0.30')).body.status).toBe('signed');
    expect((await cost('research-1', '1')).body.code).toBe('reference_used');
  });

  it('that the costs alone pass stops the task, and people are told once', async () => {
    await cost('research-1', '1000001');
    await world.settle();
    const answer = await buy('0.01');
    expect(answer.body).toMatchObject({ status: 'denied', code: 'task_stopped' });
    await cost('research-1', '5', 'bill-2');
    await world.pass(20_000);
    expect(world.told.filter(({ title }) => title.startsWith('task over ceiling'))).toHaveLength(1);
    expect(await read()).toMatchObject({ stopped: true, available: '0' });
    const terms = { unit: 'USD', ceiling: '5000000' };
    await world.call('owner', 'PUT', `${TASK}/terms`, { body: terms });
    expect((await buy('0.01')).body.status).toBe('signed');
  });

  it('is not set by an agent', async () => {
    const asked = await Promise.all([
      open({ task: 'mine', unit: 'USD', ceiling: '9' }, 'research-1'),
      post('research-1', '/phase', { to: 'executing' }),
      post('research-1', '/plan/commit', { plan: '1'.repeat(64) }),
      world.call<Problem>('research-1', 'PUT', `${TASK}/terms`, { body: {} }),
    ]);
    expect(asked.map(({ body }) => body.code)).toEqual(Array(4).fill('not_permitted'));
  });

  it('is given in a unit, and the refusal names the field', async () => {
    const { status, body } = await open({ task: 'bare', ceiling: '5' });
    expect(status).toBe(400);
    expect(body.errors).toEqual([expect.objectContaining({ path: 'unit' })]);
  });
});

describe('an estimate', () => {
  it('stops the task at its multiple, and the committed plan may lower it', async () => {
    await open({ unit: 'USD', estimate: '1000000', stopAtPercent: 150, phase: 'exploring' });
    const plan = { text: 'read three papers, then write', estimate: '200000' };
    const { body } = await world.call<{ plan: string }>('research-1', 'PUT', `${TASK}/plan`, {
      body: plan,
    });
    await post('owner', '/plan/commit', { plan: body.plan });
    expect((await buy('0.31')).body.code).toBe('estimate_exceeded');
    expect((await buy('0.30')).body.status).toBe('signed');
  });
});

describe('phases', () => {
  beforeEach(() => open({ unit: 'USD', phase: 'exploring' }));
  const submit = async (text: string) =>
    (await world.call<{ plan: string }>('research-1', 'PUT', `${TASK}/plan`, { body: { text } }))
      .body.plan;

  it('pay nothing before a person has committed exactly the plan that was shown', async () => {
    expect((await buy('0.01')).body).toMatchObject({ status: 'denied', code: 'task_exploring' });
    const first = await submit('buy one report');
    await submit('buy every report');
    const shown = await read('ada');
    expect(shown.plan).toMatchObject({ text: 'buy every report', committed: false });
    const stale = await post('ada', '/plan/commit', { plan: first });
    expect(stale.body.code).toBe('plan_changed');
    expect((await post('ada', '/plan/commit', { plan: shown.plan?.digest })).status).toBe(200);
    expect((await read()).phase).toBe('planned');
    expect((await buy('0.01')).body.status).toBe('signed');
    expect((await read()).phase).toBe('executing');
  });

  it('wait for a person, who is told of every plan once', async () => {
    const plans = () => world.told.filter(({ title }) => title.startsWith('a plan waits'));
    const first = await submit('buy one report\u202e');
    await world.pass(20_000);
    expect(plans()).toMatchObject([
      {
        id: first,
        kind: 'alert',
        title: 'a plan waits to be committed: research-1, task report',
        quoted: 'buy one report<U+202E>',
      },
    ]);
    expect(plans()[0]?.facts).toContainEqual({ name: 'Plan', value: first });
    world.notifierIsOut = true;
    await submit('buy two reports');
    const third = await submit('x'.repeat(20_000));
    await world.pass(60_000);
    world.notifierIsOut = false;
    await world.pass(20_000);
    expect(plans().map(({ id }) => id)).toEqual([first, third]);
    expect(plans()[1]?.quoted).toHaveLength(500 + ' … (cut)'.length);
  });

  it('are told of at most once a minute, however often the agent thinks better of its plan', async () => {
    const first = await submit('buy report 0');
    await world.settle();
    let last = first;
    for (let count = 1; count < 20; count += 1) {
      last = await submit(`buy report ${count}`);
      await world.pass(2_000);
    }
    expect(world.told.map(({ id }) => id)).toEqual([first]);
    await world.pass(60_000);
    expect(world.told.map(({ id }) => id)).toEqual([first, last]);
  });

  it('tell nobody of a plan that was committed before anybody could be told', async () => {
    world.notifierIsOut = true;
    await post('owner', '/plan/commit', { plan: await submit('buy one report') });
    world.notifierIsOut = false;
    await world.pass(20_000);
    expect(world.told).toEqual([]);
  });

  it('go back to exploring, and end with the task', async () => {
    await post('owner', '/plan/commit', { plan: await submit('one') });
    await post('owner', '/phase', { to: 'exploring' });
    expect((await buy('0.01')).body.code).toBe('task_exploring');
    await world.call('owner', 'DELETE', TASK);
    expect((await buy('0.01')).body.code).toBe('task_done');
  });

  it('are what a policy asks for, and naming no task is no way around it', async () => {
    await world.usePolicy(planned());
    await post('owner', '/plan/commit', { plan: await submit('one') });
    expect((await buy('0.01')).body.status).toBe('signed');
    const without = await world.propose({ url: 'https://api.example.com/v1/none' });
    expect(without.body).toMatchObject({ status: 'denied', code: 'no_tier' });
  });

  it('of another agent are not told', async () => {
    const { body } = await world.call<Problem>('batch-1', 'GET', TASK);
    expect(body.code).toBe('task_unknown');
    const all = await world.call<{ tasks: TaskView[] }>('batch-1', 'GET', '/v1/tasks');
    expect(all.body.tasks).toEqual([]);
    expect((await cost('batch-1', '1')).body.code).toBe('not_permitted');
  });
});

describe('what came back', () => {
  type NothingBack = { payments: { payment: PaymentView }[]; count: number };
  const nothingBack = async (who: string, seconds: number) =>
    (await world.call<NothingBack>(who, 'GET', `/v1/nothing-came-back?olderThanSeconds=${seconds}`))
      .body;
  const outcome = (who: string, body: object) =>
    world.call<Problem>(who, 'POST', '/v1/agents/research-1/outcomes', { body });
  const paid = async () => {
    const { body } = await buy('0.10');
    await world.present(body);
    await world.pass(10_000);
    return body.id;
  };
  beforeEach(() => open({ unit: 'USD' }));

  it('is missed after an hour: listed, and alerted once', async () => {
    const id = await paid();
    expect((await nothingBack('owner', 3_600)).count).toBe(0);
    expect((await nothingBack('owner', 0)).payments[0]?.payment.id).toBe(id);
    await world.jump(HOUR_MS);
    await world.pass(1_000);
    expect((await nothingBack('owner', 3_600)).payments[0]?.payment.id).toBe(id);
    expect((await nothingBack('batch-1', 0)).count).toBe(0);
    const alerts = world.told.filter(({ title }) => title.startsWith('nothing came back'));
    expect(alerts).toMatchObject([{ paymentId: id }]);
  });

  it('ends the wait, with its value beside the costs', async () => {
    const id = await paid();
    const report = { task: 'report', payments: [id], reference: 'r-1', result: 'received' };
    await outcome('research-1', { ...report, value: '5000000', note: 'three usable sources' });
    expect((await nothingBack('owner', 0)).count).toBe(0);
    expect(await read()).toMatchObject({
      spent: '100000',
      value: { asserted: '5000000', established: '0' },
      outcomes: [{ reference: 'r-1', result: 'received', payments: [id], basis: 'asserted' }],
      payments: [{ id, outcome: { result: 'received', basis: 'asserted' } }],
    });
  });

  it('is nothing when a person says so, whatever the agent says', async () => {
    const id = await paid();
    const report = { payments: [id], reference: 'r-1' };
    await outcome('research-1', { ...report, result: 'received' });
    await outcome('ada', { ...report, result: 'nothing' });
    await world.pass(1_000);
    expect((await nothingBack('owner', 3_600)).payments[0]?.payment).toMatchObject({
      id,
      outcome: { result: 'nothing', basis: 'established' },
    });
    const again = await outcome('research-1', {
      payments: [id],
      reference: 'r',
      result: 'partial',
    });
    expect(again.body.code).toBe('reference_used');
    expect(world.told.some(({ title }) => title.startsWith('nothing came back'))).toBe(true);
  });

  it('is told in the payment’s story, with its task', async () => {
    const id = await paid();
    await outcome('owner', { payments: [id], reference: 'r-1', result: 'partial' });
    const { body } = await world.call<{ entries: { event: string; says: string }[] }>(
      'owner',
      'GET',
      `/v1/payments/${id}/timeline`,
    );
    const says = (event: string) => body.entries.find((it) => it.event === event)?.says;
    expect(says('intent.submitted')).toContain('in task report');
    expect(says('decision.made')).toContain('task report was executing');
    expect(says('outcome.recorded')).toBe('owner establishes what came back: partial');
  });
});

describe('a task', () => {
  it.each(['none', 'unknown'])(
    'is not opened as "%s", which means something in policies',
    async (task) => {
      const { status, body } = await open({ task });
      expect([status, body.code]).toEqual([400, 'invalid_request']);
      expect(body.errors).toEqual([
        { path: 'task', message: expect.stringContaining('not "none" or "unknown"') as string },
      ]);
    },
  );
});
