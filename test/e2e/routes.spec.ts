import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Caller,
  type PaymentView,
  type Problem,
  ROUTES,
  Role,
  type Route,
} from '@countersign/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { autonomous, collaborative } from './policies.ts';
import { World } from './world.ts';

const routes = Object.entries<Route>(ROUTES);
const PEOPLE_OF_ONE_ROLE = Role.options.map((role) => `only-${role}`);
const CALLERS: Record<string, readonly Caller[]> = {
  'research-1': ['agent'],
  ada: ['approver'],
  owner: ['approver', 'operator', 'policy_author', 'auditor'],
  ...Object.fromEntries(Role.options.map((role) => [`only-${role}`, [role]])),
};
const matrix = routes.flatMap(([name, route]) =>
  Object.entries(CALLERS).map(([who, roles]) => ({
    name,
    route,
    who,
    may: roles.some((role) => route.who.includes(role)),
  })),
);

const folder = mkdtempSync(join(tmpdir(), 'countersign-routes-'));
let world: World;
let waiting: PaymentView;
beforeAll(async () => {
  world = await World.create(':memory:', { eventsIn: folder });
  await world.usePolicy(autonomous());
  const paid = await world.propose({ purpose: 'to index a page' });
  await world.present(paid.body);
  await world.pass(5_000);
  await tellOfTask(paid.body.id);
  const session = { seconds: 3_600, unit: 'USD', ceiling: '9000000' };
  await world.call('owner', 'PUT', '/v1/agents/research-1/sessions/today', { body: session });
  await world.usePolicy(collaborative());
  const asked = await world.propose({ url: 'https://api.example.com/v2', purpose: 'to ask' });
  waiting = asked.body;
  // Last, because an author puts a policy in force alone only while there is no other.
  const owner = { tenant: 'default', person: 'owner' };
  for (const [index, person] of PEOPLE_OF_ONE_ROLE.entries()) {
    const roles = [Role.options[index]!];
    const { credential } = await world.services.registry.addPerson(owner, person, roles);
    world.credentials[person] = credential;
  }
  await world.settle();
});
afterAll(async () => {
  await world.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** A task with one of everything a task can have. */
async function tellOfTask(paymentId: string): Promise<void> {
  const tasks = '/v1/agents/research-1/tasks';
  const terms = { unit: 'USD', ceiling: '5000000', estimate: '1000000' };
  const task = { task: 'report', phase: 'exploring', ...terms };
  await world.call('owner', 'POST', tasks, { body: task });
  await world.call('research-1', 'PUT', `${tasks}/report/plan`, { body: { text: 'one by one' } });
  const cost = { reference: 'bill-1', kind: 'api', amount: '250000' };
  await world.call('research-1', 'POST', `${tasks}/report/costs`, { body: cost });
  const report = { reference: 'r-1', result: 'partial' };
  const outcomes = '/v1/agents/research-1/outcomes';
  const ofTask = { ...report, task: 'report', value: '9000000' };
  await world.call('owner', 'POST', outcomes, { body: ofTask });
  const ofPayment = { ...report, result: 'nothing', payments: [paymentId] };
  await world.call('owner', 'POST', outcomes, { body: ofPayment });
}

/** A path with nothing behind its parameters, so that a call that is let through changes nothing. */
const nowhere = ({ path }: Route) =>
  path.replace(':id', `pay_0_${'0'.repeat(32)}`).replaceAll(/:\w+/g, 'nothing');
const send = (who: string | undefined, { method }: Route, url: string) =>
  world.call<Problem>(who, method, url, method === 'GET' ? {} : { body: { no: 'such field' } });

describe('every route', () => {
  it.each(routes)('asks for a credential: %s', async (_, route) => {
    const { status, body, headers } = await send(undefined, route, nowhere(route));
    expect(status).toBe(401);
    expect(body).toMatchObject({ code: 'unauthenticated', status: 401, retryable: false });
    expect(headers['content-type']).toContain('application/problem+json');
  });

  it.each(routes)('takes no credential that nobody holds: %s', async (_, { method, ...route }) => {
    const headers = { authorization: `Bearer ${'a'.repeat(43)}` };
    const url = nowhere({ method, ...route });
    expect((await world.call(undefined, method, url, { headers })).status).toBe(401);
  });

  it.each(matrix.filter(({ may }) => !may))('$name refuses $who', async ({ route, who }) => {
    const { status, body } = await send(who, route, nowhere(route));
    expect(status).toBe(403);
    expect(body.code).toBe('not_permitted');
  });

  // A call without effect: a body or a path that cannot be, wherever the route has one.
  const harmless = ({ route }: { route: Route }) =>
    route.method === 'GET' || route.body !== undefined || route.path.includes(':');
  it.each(matrix.filter((it) => it.may && harmless(it)))(
    '$name lets $who in',
    async ({ route, who }) => {
      const { status, body } = await send(who, route, nowhere(route));
      expect(body.code).not.toBe('not_permitted');
      expect(status).not.toBe(401);
      expect(status).toBeLessThan(500);
    },
  );
});

const FILLED = {
  ':version': '1',
  ':wallet': 'w1',
  ':agent': 'research-1',
  ':task': 'report',
  ':session': 'today',
};

describe('the answer of every route that reads', () => {
  const reads = routes.filter(([, { method }]) => method === 'GET');
  const urlOf = ({ path }: Route) =>
    Object.entries(FILLED).reduce(
      (url, [name, value]) => url.replace(name, value),
      path.replace(':id', waiting.id),
    );

  it.each(reads)('is as its schema says, and has no field more: %s', async (_, route) => {
    const { status, body } = await world.call<unknown>('owner', 'GET', urlOf(route));
    expect(status).toBe(200);
    expect(route.answer.parse(body)).toEqual(body);
  });

  it('is there for the payment that waits and for the one that was paid', async () => {
    const { body } = await world.call<{ payments: PaymentView[] }>('owner', 'GET', '/v1/payments');
    const statuses = body.payments.map((payment) => payment.status).sort();
    expect(statuses).toEqual(['awaiting_approval', 'settled']);
  });
});

describe('a parameter of a path', () => {
  it.each([
    ['GET', '/v1/payments/pay_1', 'id'],
    ['POST', '/v1/agents/Research%201/unfreeze', 'agent'],
    ['GET', '/v1/policies/0x1', 'version'],
    ['DELETE', `/v1/sellers/${'s'.repeat(65)}`, 'seller'],
    ['POST', `/v1/agents/${'s'.repeat(150)}/unfreeze`, 'agent'],
  ] as const)('is named when it is not as it must be: %s %s', async (method, url, name) => {
    const { status, body } = await world.call<Problem>('owner', method, url, {});
    expect(status).toBe(400);
    expect(body.errors?.map(({ path }) => path)).toEqual([name]);
  });
});

describe('a known path', () => {
  it('says which methods it takes', async () => {
    const { status, body, headers } = await world.call<Problem>('owner', 'GET', '/v1/sellers/x');
    expect(status).toBe(405);
    expect(body).toMatchObject({ code: 'method_not_allowed', retryable: false });
    expect(headers).toMatchObject({ allow: 'PUT, DELETE' });
  });
});

describe('an unknown path', () => {
  it('is not found, as a problem with a code', async () => {
    const { status, body } = await world.call<Problem>('owner', 'GET', '/v1/nothing');
    expect(status).toBe(404);
    expect(body.code).toBe('not_found');
  });

  it.each(['GET', 'PUT', 'DELETE'] as const)(
    'is never taken for the parameter of another: %s',
    async (method) => {
      const { status, headers } = await world.call('owner', method, '/v1/policies/evaluate');
      expect([status, headers['allow']]).toEqual([405, 'POST']);
    },
  );
});
