import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EventArchive } from '@countersign/audit/service';
import type { FeedEvent, PaymentView, Problem, Timeline } from '@countersign/contracts';
import { ARCHIVE, type EventStore } from '@countersign/ports';
import { silentLog } from '@countersign/service-kit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { autonomous } from './policies.ts';
import { World, statementKey } from './world.ts';

const PURPOSE = 'to index the Gutenberg library';
const folder = mkdtempSync(join(tmpdir(), 'countersign-audit-'));
let world: World;
let paid: PaymentView;
let signature: string;

interface Page {
  readonly asOf: { readonly treeSize: number; readonly root: string };
  readonly events: readonly {
    readonly leaf: number;
    readonly event: string;
    readonly paymentId: string;
    readonly facts: Readonly<Record<string, unknown>>;
    readonly texts: Readonly<Record<string, string>>;
  }[];
  readonly next: number | null;
}
interface Sql {
  readonly rows: readonly (readonly unknown[])[];
}

beforeAll(async () => {
  world = await World.create(':memory:', { eventsIn: folder });
  await world.usePolicy(autonomous({ audit: '{ depth: decisive, profile: tax-7-years }' }));
  const { body } = await world.propose({ purpose: PURPOSE });
  signature = body.signature ?? '';
  expect(signature).not.toBe('');
  await world.present(body);
  await world.pass(5_000);
  paid = await world.read(body.id);
});
afterAll(async () => {
  await world.stop();
  rmSync(folder, { recursive: true, force: true });
});

const search = async (query: string) =>
  (await world.call<Page>('owner', 'GET', `/v1/audit/events?${query}`)).body;
const sql = (query: string) =>
  world.call<Sql & Problem>('owner', 'POST', '/v1/audit/sql', { body: { query } });

describe('an auditor', () => {
  it.each([
    ['payment', () => `payment=${paid.id}`],
    ['transaction', () => `tx=${paid.settlement?.transactionHash}`],
    ['nonce', () => `nonce=${paid.authorization?.nonce}`],
  ])('finds all that was recorded of a payment by its %s', async (_, query) => {
    const { events } = await search(query());
    const names = events.map((it) => it.event);
    expect(names).toContain('intent.submitted');
    expect(names).toContain('settlement.final');
    expect(new Set(events.map((it) => it.paymentId))).toEqual(new Set([paid.id]));
  });

  it('finds a payment by a word of its purpose, with what was decided about it', async () => {
    const { events, asOf } = await search('text=gutenberg');
    expect(events.map((it) => [it.event, it.texts])).toEqual([
      ['intent.submitted', { purpose: PURPOSE }],
    ]);
    expect(asOf.root).toMatch(/^[0-9a-f]{64}$/);
    const [final] = (await search(`event=settlement.final&agent=research-1`)).events;
    expect(final?.facts).toMatchObject({
      amount: paid.quote.amount,
      policyVersion: 1,
      tier: paid.tier,
    });
  });

  it('finds what was decided by how its tier has it recorded', async () => {
    const kept = await search('profile=tax-7-years&depth=decisive&event=decision.made');
    expect(kept.events.map((it) => it.paymentId)).toEqual([paid.id]);
    expect(kept.events[0]?.facts).toMatchObject({
      ...{ auditDepth: 'decisive', auditProfile: 'tax-7-years', session: 'none' },
    });
    expect((await search('profile=another')).events).toEqual([]);
    expect((await search('session=monday')).events).toEqual([]);
    const url = `/v1/payments/${paid.id}/timeline`;
    const { body } = await world.call<Timeline>('owner', 'GET', url);
    const decided = body.entries.filter((it) => it.event === 'decision.made');
    expect(decided.map((it) => it.audit)).toEqual([{ depth: 'decisive', profile: 'tax-7-years' }]);
    expect(decided[0]?.trace?.filter(({ met }) => !met)).toEqual([]);
  });

  it('pages through everything, each record once', async () => {
    const leaves: number[] = [];
    for (let before: number | null = null; ;) {
      const page: Page = await search(`limit=3${before === null ? '' : `&before=${before}`}`);
      leaves.push(...page.events.map((it) => it.leaf));
      if (page.next === null) break;
      before = page.next;
    }
    expect(leaves.length).toBeGreaterThan(10);
    expect(leaves).toEqual([...new Set(leaves)].sort((a, b) => b - a));
  });

  it('sees who spent what, where, under which policy and why', async () => {
    const { body } = await world.call<{ lines: unknown[] }>('owner', 'GET', '/v1/audit/spend');
    expect(body.lines).toEqual([
      expect.objectContaining({
        agent: 'research-1',
        amount: paid.quote.amount,
        payments: 1,
        seller: 'embeddings',
        domain: 'api.example.com',
        policyVersion: 1,
        tier: paid.tier,
      }),
    ]);
  });

  it('asks in SQL, and sees no wallet signature', async () => {
    const { body } = await sql("SELECT event, bytes FROM events WHERE event = 'signing.completed'");
    expect(body.rows).toEqual([['signing.completed', '']]);
    const all = await sql('SELECT * FROM events');
    expect(JSON.stringify(all.body)).not.toContain(signature);
    const refused = await sql("SELECT file('/etc/hostname')");
    expect([refused.status, refused.body.code]).toEqual([422, 'sql_refused']);
  });

  it('gets each record once from several recorders, and one tree', async () => {
    const { host, archive } = world.services;
    const { store } = await archive.upToDate();
    const key = statementKey('recorder');
    const trusted = new Map([[key.keyId, { service: 'recorder', publicKey: key.publicKey }]]);
    const others = [1, 2].map(
      () =>
        new EventArchive({
          ...{ host, key, trusted, log: silentLog, everyMs: 1_000 },
          ...{ clock: world.time.clock, timers: world.time.timers },
          openStore: () => Promise.resolve(shared(store)),
        }),
    );
    for (let round = 0; round < 5; round += 1) {
      await world.propose({ url: `https://api.example.com/v1/${round}` });
      await inTime(store, Promise.all([archive, ...others].map((it) => it.upToDate())));
    }
    for (const other of others) await other.close();
    const { archived } = await inTime(store, archive.upToDate());
    const { body } = await sql('SELECT count() FROM events');
    const lanes = [...archived.ends.values()].reduce((sum, end) => sum + end, 0);
    expect(archived.treeSize).toBe(lanes);
    const unique = await sql('SELECT count() = uniqExact(lane, lane_offset) FROM events');
    expect([Number(body.rows[0]?.[0]) > 0, unique.body.rows]).toEqual([true, [[1]]]);
    expect(await world.log.end(ARCHIVE)).toBeGreaterThanOrEqual(5);
  });
});

/** Recorders leave each other's cuts alone for a while; time passes no faster than the store answers. */
async function inTime<T>(store: EventStore, asked: Promise<T>): Promise<T> {
  let isAnswered = false;
  void asked.finally(() => (isAnswered = true)).catch(() => {});
  while (!isAnswered) {
    await store.archived();
    await world.pass(100);
  }
  return asked;
}

/** A store that another recorder closes in its own time. */
function shared(store: EventStore): EventStore {
  return {
    archived: () => store.archived(),
    archive: (batch) => store.archive(batch),
    leaves: (from, to) => store.leaves(from, to),
    columnsOf: (ids) => store.columnsOf(ids),
    search: (query) => store.search(query),
    spend: (query) => store.spend(query),
    sql: (tenant, text) => store.sql(tenant, text),
    eraseOpenings: (position) => store.eraseOpenings(position),
    close: () => Promise.resolve(),
  };
}

describe('the stream', () => {
  /** Reads events until there are so many, then hangs up. */
  async function read(who: string, count: number, headers: Record<string, string>, query = '') {
    const hangUp = new AbortController();
    const response = await fetch(`${await url()}/v1/events${query}`, {
      headers: {
        accept: 'text/event-stream',
        authorization: `Bearer ${world.credentials[who]}`,
        ...headers,
      },
      signal: hangUp.signal,
    });
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    const events: FeedEvent[] = [];
    let text = '';
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      const frames = text.split('\n\n');
      text = frames.pop() ?? '';
      for (const frame of frames) {
        const data = /^data: (.*)$/m.exec(frame)?.[1];
        if (data !== undefined) events.push(JSON.parse(data) as FeedEvent);
      }
      if (events.length >= count) break;
    }
    hangUp.abort();
    return events.slice(0, count);
  }

  let listening: Promise<string> | undefined;
  const url = () =>
    (listening ??= world.services.app
      .listen(0, '127.0.0.1')
      .then(() => world.services.app.getUrl()));

  it('goes on after the last event a reader has, without a gap or a repeat', async () => {
    const whole = await read('owner', 12, {}, '?after=start');
    const first = await read('owner', 5, {}, '?after=start');
    const rest = await read('owner', 7, { 'last-event-id': first.at(-1)!.id });
    expect([...first, ...rest]).toEqual(whole);
  });

  it('brings what happens now', async () => {
    const coming = read('owner', 1, {});
    const page = await world.call<{ after: string }>('owner', 'GET', '/v1/events');
    expect(page.status).toBe(200);
    let events: FeedEvent[] | undefined;
    void coming.then((it) => (events = it));
    for (let round = 0; !events; round += 1) {
      await world.propose({ url: `https://api.example.com/now/${round}` });
      await world.settle();
    }
    expect(events[0]?.event).toBe('intent.submitted');
  });

  it('shows an agent its own records, and nobody a wallet signature', async () => {
    const { body } = await world.call<{ events: FeedEvent[] }>(
      'research-1',
      'GET',
      '/v1/events?after=start&limit=500',
    );
    expect(body.events.length).toBeGreaterThan(5);
    expect(new Set(body.events.map((it) => it.data['agent']))).toEqual(new Set(['research-1']));
    const other = await world.call<{ events: FeedEvent[] }>(
      'batch-1',
      'GET',
      '/v1/events?after=start',
    );
    expect(other.body.events.map((it) => [it.event, it.data['agent']])).toEqual([
      ['agent.added', 'batch-1'],
    ]);
    expect(JSON.stringify(body)).not.toContain(signature);
  });

  it('refuses a place the log does not have', async () => {
    const { status, body } = await world.call<Problem>('owner', 'GET', '/v1/events?after=0:999999');
    expect([status, body.code]).toEqual([400, 'invalid_request']);
  });
});
