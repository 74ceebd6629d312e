import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { openStore } from '@countersign/adapter-sqlite';
import { EventFeed } from '@countersign/audit/service';
import { type FeedEvent, type Problem, encodeEvent } from '@countersign/contracts';
import { laneOf } from '@countersign/payment';
import { type Caller, LaneHost, signStatement } from '@countersign/service-kit';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { autonomous } from './policies.ts';
import { World, statementKey } from './world.ts';

/** More than are looked at for one page. */
const FOREIGN_RECORDS = 4_100;

const OWNER = { tenant: 'default', person: 'owner' };

interface Page {
  readonly events: readonly FeedEvent[];
  readonly after: string;
}

/** Records that nobody sees, in the first lane. */
const foreign = (count: number) =>
  Array.from({ length: count }, () => ({ lane: '0', key: 'x', bytes: Uint8Array.of(1) }));

describe('a page of the log', () => {
  const caller: Caller = { kind: 'agent', tenant: 'default', agent: 'research-1' };

  async function feedOf(records: number) {
    const clock = { nowMs: () => 1_790_000_000_000, monotonicMs: () => 0 };
    const { log } = openStore({ path: ':memory:', laneCount: 1, clock });
    onTestFinished(() => log.close());
    await log.append(foreign(records));
    const host = new LaneHost(log, new Map(), () => undefined);
    onTestFinished(() => host.close());
    await host.start();
    return new EventFeed(host);
  }

  /** How often everything else in the process had its turn meanwhile. */
  async function turnsDuring(work: Promise<unknown>): Promise<number> {
    let turns = 0;
    let isOver = false;
    const count = () => {
      turns += 1;
      if (!isOver) setImmediate(count);
    };
    setImmediate(count);
    await work.finally(() => (isOver = true));
    return turns;
  }

  it('looks at so many records, and says that there are more', async () => {
    const feed = await feedOf(FOREIGN_RECORDS);
    const lengths: number[] = [];
    for (let from = feed.cursorOf('start'); ;) {
      const { events, after, more } = await feed.page(caller, from, 100);
      expect(events).toEqual([]);
      lengths.push((after.get('0') ?? 0) - (from.get('0') ?? 0));
      from = after;
      if (!more) break;
    }
    expect(lengths).toEqual([2_000, 2_000, 100]);
  });

  it('lets everything else have its turn while it looks', async () => {
    const feed = await feedOf(2_000);
    const page = feed.page(caller, feed.cursorOf('start'), 100);
    expect(await turnsDuring(page)).toBeGreaterThanOrEqual(40);
  });

  it('is read for one caller after the other, and for each of them once at a time', async () => {
    const feed = await feedOf(2_000);
    const start = feed.cursorOf('start');
    const ended: string[] = [];
    const read = async (name: string, by: Caller, limit: number) => {
      await feed.page(by, start, limit);
      ended.push(name);
    };
    const other: Caller = { ...caller, agent: 'batch-1' };
    await Promise.all([
      read('first', caller, 100),
      read('second', caller, 100),
      read('of another', other, 100),
    ]);
    expect(ended.at(-1)).toBe('second');
  });
});

describe('who follows the log', () => {
  let world: World;
  beforeEach(async () => {
    world = await World.create();
    await world.usePolicy(autonomous());
  });
  afterEach(() => world.stop());

  it('gets an empty page at the end of the log only', async () => {
    await world.log.append(foreign(FOREIGN_RECORDS));
    await world.services.host.caughtUp('0');
    const first = await world.call<Page>('batch-1', 'GET', '/v1/events?after=start');
    expect(first.body.events.map(({ event }) => event)).toEqual(['agent.added']);
    const url = `/v1/events?after=${first.body.after}`;
    const { body } = await world.call<Page>('batch-1', 'GET', url);
    expect(body.events).toEqual([]);
    const next = Object.fromEntries(body.after.split(',').map((it) => it.split(':')));
    expect(Number(next['0'])).toBeGreaterThanOrEqual(FOREIGN_RECORDS);
  });

  it.each(['abc', '', '0:1,', '0:999999'])(
    'is refused with no place as its last: %j',
    async (last) => {
      const headers = { 'last-event-id': last };
      const { status, body } = await world.call<Problem>('owner', 'GET', '/v1/events', { headers });
      expect([status, body.code]).toEqual([400, 'invalid_request']);
    },
  );

  it('has so many requests under way, and as many again when they are over', async () => {
    const ask = async (who: string) => {
      const { status } = await world.call<Page | Problem>(who, 'GET', '/v1/events?wait=10');
      return status;
    };
    const round = async (readers: readonly string[]) => {
      const answers = Promise.all(readers.map(ask));
      await world.pass(20_000);
      return (await answers).toSorted();
    };
    const twenty = Array.from({ length: 20 }, () => 'research-1');
    const ok = twenty.map(() => 200);
    expect(await round([...twenty, 'research-1', 'batch-1'])).toEqual([...ok, 200, 503]);
    expect(await round(twenty)).toEqual(ok);
  });

  async function eventsOf(who: string): Promise<readonly FeedEvent[]> {
    const url = '/v1/events?after=start&limit=500';
    return (await world.call<Page>(who, 'GET', url)).body.events;
  }

  it('sees as an agent all that is recorded of it, and nothing of others', async () => {
    const AGENT = '/v1/agents/research-1';
    const TASK = `${AGENT}/tasks/report`;
    const say = (who: string, method: 'POST' | 'PUT', url: string, body: object) =>
      world.call<{ plan: string }>(who, method, url, { body });
    await say('owner', 'PUT', `${AGENT}/sessions/run-7`, { seconds: 60 });
    await say('owner', 'POST', `${AGENT}/tasks`, { task: 'report', phase: 'exploring' });
    const { body } = await say('research-1', 'PUT', `${TASK}/plan`, { text: 'buy one report' });
    await say('owner', 'POST', `${TASK}/plan/commit`, { plan: body.plan });
    await say('research-1', 'POST', `${AGENT}/outcomes`, {
      ...{ task: 'report', payments: [], reference: 'r-1', result: 'received' },
    });
    await say('owner', 'POST', `${AGENT}/freeze`, {});
    const own = await eventsOf('research-1');
    expect(own.map(({ event }) => event)).toEqual([
      'agent.added',
      'session.opened',
      'task.opened',
      'task.plan_submitted',
      'task.alerted',
      'task.plan_committed',
      'outcome.recorded',
      'agent.frozen',
    ]);
    const others = await eventsOf('batch-1');
    expect(others.map(({ event, data }) => [event, data['agent']])).toEqual([
      ['agent.added', 'batch-1'],
    ]);
  });

  it('is told as a person that a forged record did not count, and as the agent nothing of it', async () => {
    const cause = 'forged';
    const forged = { tenant: 'default', agent: 'research-1', task: 'report', by: 'owner' };
    const data = await signStatement(
      { ...statementKey('mallory'), keyId: 'intake-test' },
      'task.plan_committed',
      { ...forged, plan: '1'.repeat(64) },
      cause,
    );
    const { bytes } = encodeEvent('task.plan_committed', data, cause);
    const lane = String(laneOf('default', 'research-1', world.log.laneCount));
    await world.log.append([{ lane, key: 'default/research-1', bytes }]);
    await world.services.host.caughtUp(lane);
    const seen = (await eventsOf('owner')).map(({ event, ignored }) => [event, ignored]);
    expect(seen).toContainEqual(['task.plan_committed', 'not_genuine']);
    expect(seen).toContainEqual(['agent.added', null]);
    const names = (await eventsOf('research-1')).map(({ event }) => event);
    expect(names).toEqual(['agent.added']);
  });

  it('is shown no digest of a credential, be it of a change that waits', async () => {
    await world.usePolicy(`${autonomous()}loosening: { delaySeconds: 60 }\n`);
    await world.services.registry.addAgent(OWNER, 'late-1', 'w1');
    const events = await eventsOf('ada');
    const scheduled = events.filter(({ event }) => event === 'change.scheduled');
    expect(scheduled.map(({ data }) => data['change'])).toEqual([
      { kind: 'agent.added', agent: 'late-1', wallet: 'w1' },
    ]);
    expect(JSON.stringify(events)).not.toContain('credentialDigest');
  });

  async function listening(): Promise<string> {
    const { app } = world.services;
    await app.listen(0, '127.0.0.1');
    return app.getUrl();
  }

  /** An open stream, after its first words. */
  async function streamOf(url: string, who: string) {
    const authorization = `Bearer ${world.credentials[who]}`;
    const headers = { accept: 'text/event-stream', authorization };
    const { body } = await fetch(`${url}/v1/events`, { headers });
    const reader = body!.pipeThrough(new TextDecoderStream()).getReader();
    expect((await reader.read()).value).toBe(': countersign\n\n');
    return {
      async rest(): Promise<string> {
        let text = '';
        for (let part = await reader.read(); !part.done; part = await reader.read())
          text += part.value;
        return text;
      },
    };
  }

  it('is let go when the process ends', async () => {
    const url = await listening();
    const stream = await streamOf(url, 'owner');
    const waiting = world.call('owner', 'GET', '/v1/events?wait=30');
    await world.services.app.close();
    expect(await stream.rest()).toBe('');
    const { status } = await waiting;
    // Whichever came first: a page at the log's end, or no more requests.
    expect([200, 503]).toContain(status);
  });

  it('gets nothing more once its credential is replaced', async () => {
    const stream = await streamOf(await listening(), 'research-1');
    const asked = world.call<Problem>('research-1', 'GET', '/v1/events?wait=30');
    await world.services.registry.replaceAgentCredential(OWNER, 'research-1');
    expect(await stream.rest()).toBe('');
    const { status, body } = await asked;
    expect([status, body.code]).toEqual([401, 'unauthenticated']);
  });
});

describe('the end of the process', () => {
  it('waits so long for half a request, and no longer', async () => {
    const world = await World.create();
    const { app } = world.services;
    await app.listen(0, '127.0.0.1');
    const { port } = app.getHttpServer().address() as AddressInfo;
    const socket = connect(port, '127.0.0.1').on('error', () => undefined);
    await once(socket, 'connect');
    socket.write('POST /v1/payments HTTP/1.1\r\ncontent-length: 9\r\n');
    vi.useFakeTimers({ toFake: ['setTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    let isClosed = false;
    const closed = app.close().then(() => (isClosed = true));
    while (!isClosed) {
      vi.advanceTimersByTime(10);
      await turn();
    }
    await closed;
    await world.stop();
  });
});
