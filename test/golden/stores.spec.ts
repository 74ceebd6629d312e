import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { type Store, openStore } from '@countersign/adapter-sqlite';
import { decodeEvent } from '@countersign/contracts';
import { tenantOf } from '@countersign/payment';
import { replayDecision } from '@countersign/policy';
import { parsePolicyText } from '@countersign/policy/text';
import { LaneHost, systemClock } from '@countersign/service-kit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

/** A store as version 0.1.0 left it: its sandbox story, a payment of the guide, and nothing of ours since. */
const RELEASE = '0.1.0';
const LANES = 8;

const folder = new URL('stores/', import.meta.url);
const keys = JSON.parse(readFileSync(new URL(`${RELEASE}.keys.json`, folder), 'utf8')) as Record<
  string,
  string
>;
const trusted = new Map(
  Object.entries(keys).map(([service, publicKey]) => [
    `${service}-${publicKey.slice(0, 12)}`,
    { service, publicKey },
  ]),
);

let place: string;
let store: Store;
let host: LaneHost;
const ignored: string[] = [];

beforeEach(async () => {
  place = mkdtempSync(join(tmpdir(), 'countersign-old-store-'));
  const path = join(place, 'countersign.db');
  writeFileSync(path, gunzipSync(readFileSync(new URL(`${RELEASE}.db.gz`, folder))));
  store = openStore({ path, laneCount: LANES, clock: systemClock });
  host = new LaneHost(store.log, trusted, (error) => {
    throw error;
  });
  ignored.length = 0;
  host.onRecord((_, result) => {
    if (!result.applied) ignored.push(result.code ?? 'no code');
  });
  await host.start();
});

afterEach(async () => {
  await host.close();
  await store.close();
  rmSync(place, { recursive: true });
});

describe(`a store written by ${RELEASE}`, () => {
  it('folds to what it meant, with every signature genuine', () => {
    expect(ignored.filter((code) => code === 'not_genuine' || code === 'undecodable')).toEqual([]);
    const ends = host.lanes
      .flatMap((lane) => [...lane.agents.values()])
      .flatMap((agent) => [...agent.payments.values()])
      .map(({ phase }) => (phase.status === 'ended' ? phase.how : phase.status));
    const counts = Object.fromEntries(
      [...new Set(ends)].sort().map((how) => [how, ends.filter((it) => it === how).length]),
    );
    expect(counts).toMatchInlineSnapshot(`
      {
        "denied": 54,
        "expired": 2,
        "settled": 11,
        "vetoed": 1,
      }
    `);
  });

  it('has the running hashes it had', () => {
    const heads = ['control', ...host.lanes.map(({ lane }) => String(lane))].map((lane) => [
      lane,
      host.head(lane).slice(0, 16),
    ]);
    expect(Object.fromEntries(heads)).toMatchInlineSnapshot(`
      {
        "0": "f71e2020e49c03f5",
        "1": "c8b1ab7f66da3285",
        "2": "ee879feb3c889243",
        "3": "8e21658dcdc08484",
        "4": "f2d5b12f1e8d1ad7",
        "5": "65a6155c9bc2b7d1",
        "6": "3b8fdf17be64f589",
        "7": "41fc2043e19d7f3d",
        "control": "b33f510fcb4b3bb7",
      }
    `);
  });

  it('replays every decision to the same answer', async () => {
    const policies = [...tenantOf(host.control, 'default').policies.values()];
    const documents = new Map(
      policies.map(({ hash, text }) => [hash, parsePolicyText(text).document]),
    );
    const answers: boolean[] = [];
    for (const { lane } of host.lanes)
      for (const { bytes } of await store.log.read(String(lane), 0, 10_000)) {
        const event = decodeEvent(bytes);
        if ('undecodable' in event || event.name !== 'decision.made') continue;
        const { decision } = event.data;
        const document = documents.get(decision.policy?.hash ?? '');
        if (document) answers.push(replayDecision(document, decision).agrees);
      }
    expect(answers.length).toBeGreaterThan(60);
    expect(answers.every(Boolean)).toBe(true);
  });

  it('has the counters it had', async () => {
    const limit = { id: 'all', scope: 'tenant:default', window: { kind: 'lifetime' } } as const;
    const [reading] = await store.budgets.read({ tenant: 'default', epoch: 0 }, [limit]);
    expect(reading).toMatchInlineSnapshot(`
      {
        "committed": "270500000",
        "committedCount": 11,
        "limitId": "all",
        "open": "0",
        "openCount": 0,
        "scope": "tenant:default",
      }
    `);
  });
});
