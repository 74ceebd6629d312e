import { type SyncStore, openStateStore, openStore } from '@countersign/adapter-sqlite';
import { agentOf, laneOf } from '@countersign/payment';
import { type EventLog, type LogRecord, type StateStore, altered } from '@countersign/ports';
import { LaneHost, type TrustedKeys, signStatement } from '@countersign/service-kit';
import { PaidLog } from '@countersign/testkit';
import { beforeEach, describe, expect, it } from 'vitest';

const LANES = 2;
const PAYMENTS = 12;
const START_MS = 1_790_000_000_000;
const DAY_MS = 86_400_000;
const founded = new PaidLog(LANES);

interface World {
  readonly log: EventLog;
  readonly sync: SyncStore;
  readonly state: StateStore;
  /** What is appended from now on is stamped so much later. */
  later(ms: number): void;
  /** Starts a host, as a process would, and tells which records it folded. */
  start(options?: {
    state?: StateStore;
    trusted?: TrustedKeys;
    sync?: SyncStore;
    threads?: boolean;
  }): Promise<{
    host: LaneHost;
    folded: string[];
  }>;
}

function storeOf(logId: string) {
  let nowMs = START_MS;
  const clock = { nowMs: () => (nowMs += 1), monotonicMs: () => nowMs };
  const store = openStore({ path: ':memory:', laneCount: LANES, logId, clock });
  return { ...store, later: (ms: number) => void (nowMs += ms) };
}

/** The log of the world from a copy, with its records and stamps. */
async function copyOf(records: readonly LogRecord[]): Promise<EventLog> {
  let nowMs = 0;
  const clock = { nowMs: () => nowMs, monotonicMs: () => nowMs };
  const { log } = openStore({ path: ':memory:', laneCount: LANES, logId: 'one', clock });
  for (const { stampMs, lane, key, bytes } of records.toSorted((a, b) => a.stampMs - b.stampMs)) {
    nowMs = stampMs;
    await log.append([{ lane, key, bytes }]);
  }
  return log;
}

async function makeWorld(): Promise<World> {
  const { log, sync, later } = storeOf('one');
  const state = openStateStore(':memory:');
  await log.append(await founded.founding());
  for (let index = 0; index < PAYMENTS; index += 1) {
    const records = await founded.payment(index, START_MS, index % 3 === 0 ? 'vetoed' : 'settled');
    // The last payment is still under way.
    await log.append(index === PAYMENTS - 1 ? records.slice(0, 4) : records);
  }
  return {
    ...{ log, sync, state, later },
    async start(options = {}) {
      const trusted = options.trusted ?? founded.trusted;
      const host = new LaneHost(log, trusted, () => {}, {
        state: options.state ?? state,
        saveEach: 5,
        threads: options.threads ?? false,
      });
      const folded: string[] = [];
      host.onRecord(({ lane, offset }: LogRecord) => folded.push(`${lane}:${offset}`));
      await host.start();
      return { host, folded };
    },
  };
}

/** The same log; what it is asked once waits for its answer, all else is answered at once. */
function heldAt(log: EventLog, asked: 'end' | 'ends' | 'read') {
  const waiting = Promise.withResolvers<void>();
  const answered = Promise.withResolvers<void>();
  const held = async <T>(name: string, answer: () => Promise<T>): Promise<T> => {
    if (name === asked) {
      waiting.resolve();
      await answered.promise;
    }
    return answer();
  };
  const view = altered(log, {
    read: (lane, offset, max) => held('read', () => log.read(lane, offset, max)),
    end: (lane) => held('end', () => log.end(lane)),
    ends: (lanes) => held('ends', () => log.ends(lanes)),
  });
  return { log: view, waiting: waiting.promise, answer: () => answered.resolve() };
}

describe('a fold that is kept', () => {
  let world: World;
  beforeEach(async () => {
    world = await makeWorld();
  });

  it('goes on where it was saved', async () => {
    const first = await world.start();
    await first.host.close();
    const again = await world.start();
    expect(first.folded.length).toBeGreaterThan(PAYMENTS * 3);
    expect(again.folded).toEqual([]);
    for (const [index, lane] of first.host.lanes.entries()) {
      expect(again.host.lanes[index]).toMatchObject({ next: lane.next, through: lane.through });
      expect(again.host.head(String(index))).toBe(first.host.head(String(index)));
    }
    expect(again.host.control.tenants).toEqual(first.host.control.tenants);
  });

  it('has everything of a payment, closed or not, from the store and the log', async () => {
    const whole = await world.start({ state: openStateStore(':memory:') });
    await (await world.start()).host.close();
    const { host } = await world.start();
    for (let index = 0; index < PAYMENTS; index += 1) {
      const id = founded.paymentId(index);
      expect(host.payment(id)).toEqual(whole.host.payment(id));
      expect(host.payment(id)?.id).toBe(id);
      expect(await host.recordsOf(id)).toEqual(await whole.host.recordsOf(id));
    }
  });

  it('has what an agent has open, also when a record names it in the lane of others', async () => {
    await (await world.start()).host.close();
    const submitted: string[] = [];
    for (let index = PAYMENTS; index < PAYMENTS + 4; index += 1) {
      const [intent] = await founded.payment(index, START_MS);
      const elsewhere = String((Number(intent!.lane) + 1) % LANES);
      await world.log.append([intent!, { ...intent!, lane: elsewhere }]);
      submitted.push(founded.paymentId(index));
    }
    await (await world.start()).host.close();
    const { host } = await world.start();
    const open = host.lanes.flatMap(({ agents }) =>
      [...agents.values()].flatMap((it) => [...it.open]),
    );
    expect(open).toEqual(expect.arrayContaining(submitted));
  });

  it('holds in memory only what is not closed', async () => {
    await (await world.start()).host.close();
    const { host } = await world.start();
    const inMemory = host.lanes.flatMap((lane) =>
      [...lane.agents.values()].flatMap((agent) => [...agent.payments.values()]),
    );
    expect(inMemory.map((it) => it.id)).toEqual([founded.paymentId(PAYMENTS - 1)]);
  });

  it('lists all payments, page by page and by how they ended', async () => {
    await (await world.start()).host.close();
    const { host } = await world.start();
    const list = { tenant: 'default', agents: founded.agents };
    const all = host.newest({ ...list, max: 100 });
    expect(all).toHaveLength(PAYMENTS);
    const times = all.map((it) => it.submittedAtMs);
    expect(times).toEqual([...times].sort((one, other) => other - one));
    const page = host.newest({ ...list, max: 5, before: all[4] });
    expect(page).toEqual(all.slice(5, 10));
    expect(host.newest({ ...list, max: 100, status: 'vetoed' })).toHaveLength(4);
    expect(host.newest({ ...list, max: 100, status: 'signed' })).toHaveLength(1);
  });

  it('knows every session as it stood: what it may cost, has spent, and who closed it', async () => {
    const agent = founded.agents[0] ?? '';
    const of = { tenant: 'default', agent };
    const { host } = await world.start();
    const key = founded.keys.get('intake')!;
    const terms = { lifetimeMs: 60_000, ceiling: '9007199254740993', unit: 'USD', by: 'owner' };
    for (const session of ['kept', 'over']) {
      const order = { ...of, session, ...terms };
      const data = await signStatement(key, 'session.opened', order, session);
      expect((await host.append('session.opened', data, { cause: session })).code).toBeNull();
    }
    const closing = { ...of, session: 'over', by: 'ada' };
    await host.append('session.closed', closing, { cause: 'over' });
    const before = agentOf(host.laneFor('default', agent), 'default', agent);
    const sessions = ['kept', 'over'].map((name) => before.sessions.get(name));
    await host.close();

    const again = await world.start();
    const after = agentOf(again.host.laneFor('default', agent), 'default', agent);
    expect(again.folded).toEqual([]);
    expect(['kept', 'over'].map((name) => after.sessions.get(name))).toEqual(sessions);
    expect(sessions).toMatchObject([
      { ceiling: 9_007_199_254_740_993n, spent: 0n, open: 0n, closedBy: null },
      { closedBy: 'ada' },
    ]);
    expect([...after.openSessions]).toEqual(['kept']);
    expect(after.sessions.get('never')).toBeUndefined();
  });

  it('knows a key until the lane it was used in is too old for it, however old others are', async () => {
    const agent = founded.agents[0] ?? '';
    const own = laneOf('default', agent, LANES);
    const keyDigest = '0'.repeat(64);
    const keptWhen = async (lane: number) => {
      await world.log.append([{ lane: String(lane), key: 'x', bytes: new Uint8Array([0]) }]);
      await (await world.start()).host.close();
      const { host } = await world.start();
      return agentOf(host.laneFor('default', agent), 'default', agent).keys.get(keyDigest);
    };
    await (await world.start()).host.close();
    world.later(40 * DAY_MS);
    expect(await keptWhen(1 - own)).toMatchObject({ paymentId: founded.paymentId(0) });
    expect(await keptWhen(own)).toBeUndefined();
  });

  it('is folded anew when other keys are trusted, as other records count then', async () => {
    await (await world.start()).host.close();
    const trusted = new Map([...founded.trusted].filter(([keyId]) => keyId !== 'signer-test'));
    const { host, folded } = await world.start({ trusted });
    expect(folded.length).toBeGreaterThan(PAYMENTS * 3);
    expect(host.control.tenants.get('default')?.wallets.size).toBe(0);
  });

  it.each([true, false])('ends a key where the log had come to, threads: %s', async (threads) => {
    await (await world.start()).host.close();
    const records = ['control', '0', '1'].flatMap((lane) => world.sync.readNow(lane, 0, 1_000));
    const signed = records.filter(({ bytes }) =>
      new TextDecoder().decode(bytes).includes('"keyId":"signer-test"'),
    );
    const untilMs = signed[Math.floor(signed.length / 2)]!.stampMs;
    const trusted = new Map(
      [...founded.trusted].map(([keyId, key]) =>
        keyId === 'signer-test' ? [keyId, { ...key, untilMs }] : [keyId, key],
      ),
    );
    const { host, folded } = await world.start({ trusted, threads });
    expect(folded).toHaveLength(records.length);
    const passedOver = signed.filter(
      ({ lane, offset }) => host.ignoredAt({ lane, offset }) === 'not_genuine',
    );
    expect(passedOver).toEqual(signed.filter(({ stampMs }) => stampMs >= untilMs));
    expect(passedOver.length).toBeLessThan(signed.length);
  });

  it.each(['end', 'ends', 'read'] as const)(
    'is what it was when a start is given up that waits for the log’s %s',
    async (asked) => {
      await (await world.start()).host.close();
      await world.log.append([{ lane: '0', key: 'x', bytes: new Uint8Array([0]) }]);
      const { log, waiting, answer } = heldAt(world.log, asked);
      const faults: unknown[] = [];
      const host = new LaneHost(log, founded.trusted, (fault) => faults.push(fault), {
        state: world.state,
        threads: true,
      });
      const started = expect(host.start()).rejects.toMatchObject({ code: 'closed' });
      await waiting;
      await host.close();
      answer();
      await started;
      expect(faults).toEqual([]);
      const { folded } = await world.start();
      expect(folded).toHaveLength(1);
    },
  );

  it('stops the start when it is of another log', async () => {
    const other = storeOf('other');
    const stranger = new LaneHost(other.log, founded.trusted, () => {}, { state: world.state });
    await (await world.start()).host.close();
    await expect(stranger.start()).rejects.toMatchObject({ code: 'log_changed', retryable: false });
  });

  it('stops the start when the log has become shorter, or its last record another', async () => {
    await (await world.start()).host.close();
    const restored = storeOf('one');
    const start = () =>
      new LaneHost(restored.log, founded.trusted, () => {}, { state: world.state }).start();
    await expect(start()).rejects.toMatchObject({ code: 'log_shorter', retryable: false });
    for (const lane of ['control', '0', '1'])
      await restored.log.append(world.sync.readNow(lane, 0, 1_000));
    await expect(start()).rejects.toMatchObject({ code: 'log_changed', retryable: false });
  });

  it('stops the start when the newest record of control is another, whoever saved last', async () => {
    await world.start();
    const records = ['control', '0', '1'].flatMap((lane) => world.sync.readNow(lane, 0, 1_000));
    const newest = records.findLast(({ lane }) => lane === 'control');
    const changed = records.map((it) => (it === newest ? { ...it, bytes: records[0]!.bytes } : it));
    const startOn = async (held: readonly LogRecord[]) =>
      new LaneHost(await copyOf(held), founded.trusted, () => {}, { state: world.state }).start();
    await expect(startOn(changed)).rejects.toMatchObject({ code: 'log_changed' });
    const shorter = records.filter((it) => it !== newest);
    await expect(startOn(shorter)).rejects.toMatchObject({ code: 'log_shorter' });
    await expect(startOn(records)).resolves.toBeUndefined();
  });
});
