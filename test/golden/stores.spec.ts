import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Store, openStateStore, openStore } from '@countersign/adapter-sqlite';
import { type Limit, decodeEvent } from '@countersign/contracts';
import { tenantOf } from '@countersign/payment';
import { replayDecision } from '@countersign/policy';
import { parsePolicyText } from '@countersign/policy/text';
import { ARCHIVE, type StateStore } from '@countersign/ports';
import { LaneHost, isGenuine } from '@countersign/service-kit';
import { VirtualTime } from '@countersign/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { COMMIT, LANES, LAST_MS, copyOfKeptFolder, keysOfKeptStore } from './kept-store.ts';

const TENANT = 'default';
const DAY_S = 86_400;
const trusted = keysOfKeptStore();

let folder: string;
let store: Store;
let host: LaneHost;
let ignored: unknown[];

beforeEach(async () => {
  folder = copyOfKeptFolder();
  const { clock } = new VirtualTime(LAST_MS);
  store = openStore({ path: join(folder, 'countersign.db'), laneCount: LANES, clock });
  host = hostOver();
  ignored = [];
  host.onRecord((_, result) => {
    if (!result.applied) ignored.push(result.code);
  });
  await host.start();
});

afterEach(async () => {
  await host.close();
  await store.close();
  rmSync(folder, { recursive: true });
});

const laneNames = () => ['control', ...host.lanes.map(({ lane }) => String(lane))];

/** The running hash of each lane. */
function headsOf(folded: LaneHost): Record<string, string> {
  return Object.fromEntries(laneNames().map((lane) => [lane, folded.head(lane).slice(0, 16)]));
}

function hostOver(state?: StateStore): LaneHost {
  const onFatal = (error: unknown) => {
    throw error;
  };
  return new LaneHost(store.log, trusted, onFatal, { ...(state && { state }) });
}

/** Every record, of every lane. */
async function records() {
  const all = await Promise.all(laneNames().map((lane) => store.log.read(lane, 0, 10_000)));
  return all.flat();
}

/** A limit that only asks. */
const over = (id: string, scope: string, window: Limit['window']): Limit => ({ id, scope, window });

describe(`a store written by ${COMMIT}`, () => {
  it('folds to what it meant', () => {
    // A person vetoed while people were still being told: what opened the window came after the veto.
    expect(ignored).toEqual(['already_ended']);
    const payments = host.lanes
      .flatMap((lane) => [...lane.agents.values()])
      .flatMap((agent) => [...agent.payments.values()]);
    const ends = payments.map(({ phase }) => (phase.status === 'ended' ? phase.how : phase.status));
    const counts = [...new Set(ends)].map((how) => [how, ends.filter((it) => it === how).length]);
    expect(Object.fromEntries(counts)).toEqual({
      awaiting: 1,
      denied: 54,
      expired: 2,
      settled: 11,
      signed: 1,
      vetoed: 1,
    });
  });

  it('has none but genuine statements', async () => {
    const events = (await records()).map(({ bytes, stampMs }) => ({
      event: decodeEvent(bytes),
      stampMs,
    }));
    const isFalse = ({ event, stampMs }: (typeof events)[number]) =>
      'undecodable' in event || !isGenuine(trusted, event, stampMs);
    expect(events.filter(isFalse)).toEqual([]);
    const signed = events.filter(({ event }) => 'data' in event && 'signature' in event.data);
    expect(signed).toHaveLength(379);
    expect(await store.log.end(ARCHIVE)).toBe(0);
  });

  it('has the running hashes it had', () => {
    expect(headsOf(host)).toMatchInlineSnapshot(`
      {
        "0": "04e6b589eb5406d1",
        "1": "64376d111d3b402a",
        "2": "d1bd38bf9a4a6d9d",
        "3": "b91db93f0885ab65",
        "4": "ee8e1d54179a0a47",
        "5": "aea1c93b5f29b410",
        "6": "3088977eaa0f4946",
        "7": "4e487b2a2c22b263",
        "control": "e11681cee77086ba",
      }
    `);
  });

  it('is folded once: the next start has the fold that the first one kept', async () => {
    const state = openStateStore(join(folder, 'fold.db'));
    const counts: number[] = [];
    for (let start = 0; start < 2; start += 1) {
      const again = hostOver(state);
      let folded = 0;
      again.onRecord(() => (folded += 1));
      await again.start();
      expect(headsOf(again)).toEqual(headsOf(host));
      await again.close();
      counts.push(folded);
    }
    state.close();
    expect(counts).toEqual([588, 0]);
  });

  it('replays every decision to the same answer', async () => {
    const policies = [...tenantOf(host.control, TENANT).policies.values()];
    const documents = new Map(
      policies.map(({ hash, text }) => [hash, parsePolicyText(text).document]),
    );
    const answers = (await records()).flatMap(({ bytes }) => {
      const event = decodeEvent(bytes);
      if ('undecodable' in event || event.name !== 'decision.made') return [];
      const { decision } = event.data;
      const document = documents.get(decision.policy?.hash ?? '');
      return [document !== undefined && replayDecision(document, decision).agrees];
    });
    expect(answers).toHaveLength(73);
    expect(answers.every(Boolean)).toBe(true);
  });

  it('has the counters it had, which the log can make anew', async () => {
    const limits = [
      over('all', `tenant:${TENANT}`, { kind: 'lifetime' }),
      over('research', 'agent:research-1', { kind: 'rolling', seconds: 30 * DAY_S }),
      over('batch', 'agent:batch-1', { kind: 'rolling', seconds: DAY_S }),
      over('images', 'seller:images', { kind: 'rolling', seconds: DAY_S }),
      over('hiring', 'category:consulting', { kind: 'lifetime' }),
    ];
    const readings = await store.budgets.read({ tenant: TENANT, epoch: 0 }, limits);
    const shown = readings.map((it) => [
      it.limitId,
      `${it.committed} in ${it.committedCount}, and ${it.open} in ${it.openCount}`,
    ]);
    expect(Object.fromEntries(shown)).toMatchInlineSnapshot(`
      {
        "all": "270500000 in 11, and 89080000 in 2",
        "batch": "90000000 in 1, and 0 in 0",
        "hiring": "0 in 0, and 89000000 in 1",
        "images": "400000 in 2, and 80000 in 1",
        "research": "180480000 in 9, and 0 in 0",
      }
    `);

    const anew = { tenant: TENANT, epoch: 1 };
    const payments = [...host.booked(TENANT)];
    await store.budgets.rebuild(anew, { atMs: LAST_MS, payments });
    expect(await store.budgets.read(anew, limits)).toEqual(readings);
  });
});
