import { openStateStore, openStore } from '@countersign/adapter-sqlite';
import { Fault } from '@countersign/kernel';
import { type FoldLane, type SetAside, agentOf, foldLane } from '@countersign/payment';
import type { EventLog, StateStore } from '@countersign/ports';
import { LaneHost } from '@countersign/service-kit';
import { PaidLog } from '@countersign/testkit';
import { beforeEach, describe, expect, it } from 'vitest';

const LANES = 2;
const PAYMENTS = 12;
const START_MS = 1_790_000_000_000;
const BUG = new TypeError('a bug');
const founded = new PaidLog(LANES);
let log: EventLog;
/** Whose payment meets the bug when it is decided. */
let broken: { readonly paymentId: string; readonly agent: string };

beforeEach(async () => {
  let nowMs = START_MS;
  const clock = { nowMs: () => (nowMs += 1), monotonicMs: () => nowMs };
  ({ log } = openStore({ path: ':memory:', laneCount: LANES, logId: 'one', clock }));
  await log.append(await founded.founding());
  for (let index = 0; index < PAYMENTS; index += 1)
    await log.append(await founded.payment(index, START_MS, 'settled'));
  const whole = await start({});
  const payment = whole.host.payment(founded.paymentId(3));
  if (!payment) throw new Error('no payment');
  broken = { paymentId: payment.id, agent: payment.agent };
  await whole.host.close();
});

const withBug: FoldLane = (lane, stampMs, event, controlAt) => {
  if (event.name === 'decision.made' && event.data.paymentId === broken.paymentId) throw BUG;
  return foldLane(lane, stampMs, event, controlAt);
};

async function start(options: { fold?: FoldLane; state?: StateStore }) {
  const host = new LaneHost(log, founded.trusted, () => {}, { saveEach: 5, ...options });
  const told: SetAside[] = [];
  host.onSetAside((it) => told.push(it));
  await host.start();
  return { host, told };
}

const agentIn = (host: LaneHost, agent: string) =>
  agentOf(host.laneFor('default', agent), 'default', agent);
const statusesOf = (host: LaneHost, agents: readonly string[]) =>
  host.newest({ tenant: 'default', agents, max: 100 }).map(({ phase }) => phase.status);

describe('an agent whose record breaks the fold', () => {
  it('is quarantined and told of, with what was thrown; the lane and all others go on', async () => {
    const { host, told } = await start({ fold: withBug });
    expect(told).toEqual([{ tenant: 'default', agent: broken.agent, error: BUG }]);
    expect(agentIn(host, broken.agent).quarantined).toBe(true);
    expect(host.payment(broken.paymentId)?.phase.status).toBe('undecided');
    for (const { lane, next } of host.lanes) expect(next).toBe(await log.end(String(lane)));
    const others = founded.agents.filter((it) => it !== broken.agent);
    expect(others.filter((it) => agentIn(host, it).quarantined)).toEqual([]);
    expect(new Set(statusesOf(host, others))).toEqual(new Set(['ended']));
  });

  it('is listed with the record that broke it, and with those that count no more', async () => {
    const { host } = await start({ fold: withBug });
    const codes = host.ignored.map(({ code }) => code);
    expect(codes.filter((it) => it === 'internal')).toHaveLength(1);
    expect(codes).toContain('agent_quarantined');
  });

  it('stays quarantined after a restart, from the kept state and from the log', async () => {
    const state = openStateStore(':memory:');
    await (await start({ fold: withBug, state })).host.close();
    const kept = await start({ fold: withBug, state });
    const anew = await start({ fold: withBug });
    expect(kept.told).toEqual([]);
    for (const { host } of [kept, anew]) {
      expect(agentIn(host, broken.agent).quarantined).toBe(true);
      expect(host.payment(broken.paymentId)?.phase.status).toBe('undecided');
    }
    for (const lane of ['0', '1']) expect(kept.host.head(lane)).toBe(anew.host.head(lane));
  });

  it('is taken up again by a fold without the bug', async () => {
    await (await start({ fold: withBug })).host.close();
    const { host, told } = await start({});
    expect([told.length, agentIn(host, broken.agent).quarantined]).toEqual([0, false]);
    expect(host.payment(broken.paymentId)?.phase.status).toBe('ended');
  });
});

describe('a state store that fails', () => {
  it('stops the process, and quarantines nobody', async () => {
    const fault = new Fault('state_unavailable', 'the disk fails', { retryable: false });
    const bare = openStateStore(':memory:');
    let reads = 0;
    const failing: StateStore = {
      get(collection, key) {
        if (collection === 'purchases' && (reads += 1) > 5) throw fault;
        return bare.get(collection, key);
      },
      newest: (collection, range) => bare.newest(collection, range),
      save: (changes) => bare.save(changes),
      clear: () => bare.clear(),
      close: () => bare.close(),
    };
    const fatal: unknown[] = [];
    const host = new LaneHost(log, founded.trusted, (error) => fatal.push(error), {
      state: failing,
    });
    await expect(host.start()).rejects.toBe(fault);
    expect(fatal).toEqual([fault]);
    expect(founded.agents.filter((it) => agentIn(host, it).quarantined)).toEqual([]);
  });
});
