import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CODES,
  type ChangeView,
  Problem,
  ROUTES,
  type Route,
  type RouteName,
} from '@countersign/contracts';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Inhabited, intakeWithMessages } from './inhabited.ts';
import { autonomous, collaborative } from './policies.ts';
import { ROUTE_NAMES, type RightRequest, rightRequests, urlOf } from './right-requests.ts';
import { spoilings, spoiltRequest } from './spoilt.ts';
import { World } from './world.ts';

/** Doors of what seldom waits have a world of their own. */
const SELDOM: readonly RouteName[] = ['acceptRestore', 'cancelChange'];

/** The same spoilt requests in every run: what is found by chance belongs to `npm run fuzz`. */
const SEED = 7;
/** Names that a body may not have anywhere: it is refused before its fields are looked at. */
const FORBIDDEN = /"(?:__proto__|constructor)":/;

/** They ask the event store, or make proofs. */
const SLOW: readonly RouteName[] = [
  ...(['searchEvents', 'readSpend', 'runSql', 'readProof', 'readCheckpoint'] as const),
];

const unhandled: unknown[] = [];
const note = (error: unknown) => void unhandled.push(error);
let folder: string;
let world: World;
let inhabited: Inhabited;
let withMessages: Awaited<ReturnType<typeof intakeWithMessages>>;
beforeAll(() => {
  process.on('unhandledRejection', note);
  folder = mkdtempSync(join(tmpdir(), 'countersign-doors-'));
});
afterEach(() => {
  expect([unhandled, world.fatal]).toEqual([[], undefined]);
});
afterAll(() => {
  rmSync(folder, { recursive: true });
  process.off('unhandledRejection', note);
});

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: unknown;
}

/** Asks as somebody whom the route is for. */
async function ask(name: RouteName, request: RightRequest): Promise<Answer> {
  const route: Route = ROUTES[name];
  const who = name === 'grant' ? 'ada' : route.who.includes('operator') ? 'owner' : callerOf(route);
  const { app } = name === 'resubmitMessage' ? { app: withMessages } : world.services;
  const response = await app.inject({
    method: route.method,
    url: urlOf(route, request),
    headers: {
      authorization: `Bearer ${world.credentials[who]}`,
      ...(request.body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(request.body !== undefined && { payload: JSON.stringify(request.body) }),
  });
  const { statusCode: status, headers } = response;
  return { status, type: String(headers['content-type']), body: response.json<unknown>() };
}

const callerOf = ({ who }: Route) => (who[0] === 'agent' ? 'research-1' : 'owner');
const isDone = ({ status }: Answer) => status >= 200 && status < 300;

/** What every refusal is: a problem with a known code, which names the field that is wrong. */
function expectRefusal({ status, type, body }: Answer, field: string | undefined): void {
  expect(type).toContain('application/problem+json');
  const { code, errors = [], ...problem } = Problem.parse(body);
  expect(Object.keys(CODES)).toContain(code);
  expect(problem.status).toBe(status);
  if (status >= 500) expect([status, code]).toEqual([503, 'unavailable']);
  if (code !== 'invalid_request' || field === undefined) return;
  const isNamed = errors.some(({ path }) => `${path}.`.startsWith(field) || field.startsWith(path));
  expect(isNamed, JSON.stringify({ field, body })).toBe(true);
}

/** Asks with what is spoilt, and at last with what is right, which is made anew wherever it was used up. */
async function expectDoor(name: RouteName, rightNow: () => Promise<RightRequest>): Promise<void> {
  let right = await rightNow();
  await fc.assert(
    fc.asyncProperty(spoilings, async (spoiling) => {
      const { request, field } = spoiltRequest(right, spoiling);
      const answer = await ask(name, request);
      // What is wrong with a policy's text is named by its place in the policy.
      const isNamed = name !== 'putPolicy' && !FORBIDDEN.test(JSON.stringify(request.body ?? {}));
      if (!isDone(answer)) expectRefusal(answer, isNamed ? field : undefined);
      else right = await rightNow();
    }),
    { seed: SEED, numRuns: SLOW.includes(name) ? 3 : 8 },
  );
  const answer = await ask(name, right);
  expect(isDone(answer), JSON.stringify({ right, answer })).toBe(true);
  ROUTES[name].answer.parse(answer.body);
}

describe('every door', () => {
  beforeAll(async () => {
    world = await World.create(':memory:', { eventsIn: join(folder, 'events') });
    await world.usePolicy(autonomous());
    const paid = await world.propose({ purpose: 'to know' });
    await world.present(paid.body);
    await world.pass(5_000);
    await world.usePolicy(collaborative());
    inhabited = await Inhabited.of(world, paid.body.id);
    withMessages = await intakeWithMessages(world);
  });
  afterEach(() => world.call('owner', 'POST', '/v1/unfreeze'));
  afterAll(async () => {
    await withMessages.close();
    await world.stop();
  });

  it.each(ROUTE_NAMES.filter((name) => !SELDOM.includes(name)))(
    'never breaks on what it is given, and is entered with what is right: %s',
    (name) => expectDoor(name, async () => rightRequests(await inhabited.placeFor(name))[name]),
  );
});

describe('a door to what seldom waits', () => {
  const path = () => join(folder, 'store.db');
  beforeAll(async () => {
    world = await World.create(path());
    await world.usePolicy(autonomous());
  });
  afterAll(() => world.stop());

  it('never breaks either, and is entered once there is a loss to accept', async () => {
    await world.stop();
    copyFileSync(path(), join(folder, 'copy.db'));
    await world.start();
    await world.propose();
    await world.stop();
    copyFileSync(join(folder, 'copy.db'), path());
    await world.start();
    await world.settle();
    const { body } = await world.call<{ digest: string }>('owner', 'GET', '/v1/restore');
    await expectDoor('acceptRestore', async () => ({ body }));
  });

  it('never breaks either, and is entered once there is a change to cancel', async () => {
    await world.usePolicy(`${autonomous()}loosening: { delaySeconds: 3600 }\n`);
    let people = 0;
    await expectDoor('cancelChange', async () => {
      const body = { person: `late-${(people += 1)}`, roles: ['approver'] };
      const answer = await world.call<{ scheduled: ChangeView }>('owner', 'POST', '/v1/people', {
        body,
      });
      return { params: { change: answer.body.scheduled.id } };
    });
  });
});
