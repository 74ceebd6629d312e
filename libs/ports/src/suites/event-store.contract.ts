import { type TestAPI, describe, expect, it } from 'vitest';
import {
  type ArchiveBatch,
  type ArchivedRecord,
  type EventStore,
  type RecordColumns,
  SPEND_LINES_MAX,
  SqlRefused,
} from '../event-store.ts';

/** How many rows each table has, of every tenant. */
export interface RowCounts {
  readonly records: number;
  readonly openings: number;
  /** Payments that the rollups have counted. */
  readonly spentByDay: number;
  readonly spentByReason: number;
  readonly cuts: number;
}

/** One store, made for one test. */
export interface EventStoreUnderTest {
  readonly store: EventStore;
  /** Of what is open, looked at from beside the port. */
  counts(): Promise<RowCounts>;
  /** Closes the store and opens it again. */
  reopen(): Promise<EventStore>;
  /** Closes what is open and removes what was made. */
  dispose(): Promise<void>;
}

export interface EventStoreFactory {
  /** Size in bytes, as JSON, up to which it answers queries in SQL; undefined for one that refuses each. */
  readonly sqlBytesMax: number | undefined;
  create(): Promise<EventStoreUnderTest>;
}

interface Fixtures {
  readonly subject: EventStoreUnderTest;
  readonly store: EventStore;
}

const utf8 = new TextEncoder();
/** Ten minutes before a month of UTC ends. */
const START_MS = Date.UTC(2026, 7, 31, 23, 50);
const DAY = '2026-09-01';
const SIGNATURE = `0x${'ab'.repeat(65)}`;

const BLANK: RecordColumns = {
  tenant: 'acme',
  agent: 'research-1',
  event: 'intent.submitted',
  ignored: '',
  paymentId: '',
  payments: [],
  person: '',
  code: '',
  nonce: '',
  txHash: '',
  chainAtMs: 0,
  kind: 'payment',
  task: 'none',
  session: 'none',
  seller: 'embeddings',
  category: 'embedding',
  trust: 'known',
  jurisdiction: 'DE',
  domain: 'api.example.com',
  url: 'https://api.example.com/v1/embed',
  network: 'eip155:84532',
  asset: '0x036cbd53842c5426634e7929541ec2318f3dcf7e',
  payTo: '0xa1',
  amount: 20_000n,
  amountUnits: 20_000n,
  policyVersion: 2,
  policyHash: 'c'.repeat(64),
  outcome: 'allow',
  tier: 'autonomous',
  reasons: ['tier_met'],
  auditDepth: 'full',
  auditProfile: '',
  wallet: 'w1',
};

type Change = Partial<RecordColumns> & { texts?: Record<string, string>; bytes?: Uint8Array };

/** A record that says what it is told to. */
function archivedRecord(lane: string, offset: number, change: Change): ArchivedRecord {
  const { texts = {}, bytes = utf8.encode(`{"n":"${lane}:${offset} ü"}`), ...columns } = change;
  const stampMs = START_MS + offset;
  return {
    record: { lane, offset, stampMs, key: 'acme/research-1', bytes },
    columns: { ...BLANK, ...columns },
    openings: Object.entries(texts).map(([field, value]) => ({ field, value, salt: 'ab' })),
  };
}

/** Cuts of one log, each continuing the one before. */
class Cutter {
  #sequence = 0;
  #treeSize = 0;
  readonly #ends = new Map<string, number>();

  next(lane: string, changes: readonly Change[]): ArchiveBatch {
    const from = this.#ends.get(lane) ?? 0;
    const to = from + changes.length;
    this.#ends.set(lane, to);
    this.#treeSize += changes.length;
    const sequence = this.#sequence++;
    return {
      cut: { sequence, lane, from, to, treeSize: this.#treeSize },
      records: changes.map((change, index) => archivedRecord(lane, from + index, change)),
      tree: { root: `root${sequence}`, frontier: [`f${sequence}`, 'g'] },
    };
  }
}

const payment = (number: number) => `pay_0_${String(number).padStart(32, '0')}`;
const paid = (number: number, change: Change = {}): Change => ({
  event: 'settlement.final',
  paymentId: payment(number),
  txHash: `0x${number}`,
  // The block is of the next day, and of the next month.
  chainAtMs: START_MS + 900_000,
  ...change,
});
const ALL = { tenant: 'acme', limit: 100 };
const DAYS = { tenant: 'acme', from: DAY, to: DAY };

/** More than any answer tells of at once. */
const MANY = SPEND_LINES_MAX + 2;

/** What every adapter of {@link EventStore} guarantees. */
export function describeEventStore(name: string, factory: EventStoreFactory): void {
  const clause = it.extend<Fixtures>({
    // eslint-disable-next-line no-empty-pattern -- Vitest reads a fixture's needs from this pattern.
    subject: async ({}, use) => {
      const subject = await factory.create();
      await use(subject);
      await subject.dispose();
    },
    store: async ({ subject }, use) => use(subject.store),
  });
  describe(`${name} as an event store`, () => {
    describe('cuts', () => cutClauses(clause));
    describe('search', () => searchClauses(clause));
    describe('spending', () => spendClauses(clause));
    describe('a query in SQL', () =>
      factory.sqlBytesMax === undefined
        ? refusedSqlClause(clause)
        : sqlClauses(clause, factory.sqlBytesMax));
  });
}

async function countsOf(subject: EventStoreUnderTest): Promise<number[]> {
  const { records, openings, spentByDay, spentByReason, cuts } = await subject.counts();
  return [records, openings, spentByDay, spentByReason, cuts];
}

function cutClauses(it: TestAPI<Fixtures>): void {
  it('starts empty', async ({ store, subject }) => {
    expect(await store.archived()).toEqual({
      sequence: -1,
      treeSize: 0,
      root: '',
      frontier: [],
      ends: new Map(),
    });
    expect(await countsOf(subject)).toEqual([0, 0, 0, 0, 0]);
  });

  it('says how far it goes, also when it is opened again', async ({ store, subject }) => {
    const cutter = new Cutter();
    await store.archive(cutter.next('0', [paid(1), paid(2)]));
    await store.archive(cutter.next('control', [{}]));
    await store.archive(cutter.next('0', [paid(3)]));
    const expected = {
      sequence: 2,
      treeSize: 4,
      root: 'root2',
      frontier: ['f2', 'g'],
      ends: new Map([
        ['0', 3],
        ['control', 1],
      ]),
    };
    expect(await store.archived()).toEqual(expected);
    const again = await subject.reopen();
    expect(await again.archived()).toEqual(expected);
    expect(await countsOf(subject)).toEqual([4, 0, 3, 3, 3]);
  });

  it('holds a cut once, in the table and in each rollup, however often it is stored', async ({
    store,
    subject,
  }) => {
    const cutter = new Cutter();
    const first = cutter.next('0', [paid(1, { texts: { purpose: 'to index' } }), paid(2)]);
    const second = cutter.next('0', [paid(3)]);
    for (const batch of [first, first, second, first, second]) await store.archive(batch);
    expect(await countsOf(subject)).toEqual([3, 1, 3, 3, 2]);
    expect((await store.archived()).sequence).toBe(1);
  });

  it('holds a cut once when several store it at once', async ({ store, subject }) => {
    const cutter = new Cutter();
    const first = cutter.next('0', [paid(1), paid(2)]);
    const second = cutter.next('1', [paid(3)]);
    await Promise.all([first, first, first].map((it) => store.archive(it)));
    // Somebody who slept may still be at the one before.
    await Promise.all([second, first, second, first].map((it) => store.archive(it)));
    expect(await countsOf(subject)).toEqual([3, 0, 3, 3, 2]);
  });

  it('takes nothing of a cut when it does not hold what comes before', async ({
    store,
    subject,
  }) => {
    const cutter = new Cutter();
    const [first, second] = [cutter.next('0', [paid(1)]), cutter.next('0', [paid(2)])];
    const refused = { code: 'event_store_emptied', retryable: true };
    await expect(store.archive(second)).rejects.toMatchObject(refused);
    expect(await countsOf(subject)).toEqual([0, 0, 0, 0, 0]);
    for (const batch of [first, second]) await store.archive(batch);
    expect((await store.archived()).sequence).toBe(1);
  });

  it('refuses a cut where other records stand', async ({ store }) => {
    await store.archive(new Cutter().next('0', [paid(1), paid(2)]));
    const other = new Cutter();
    await expect(store.archive(other.next('1', [paid(3)]))).rejects.toMatchObject({
      code: 'archive_mismatch',
      retryable: false,
    });
  });

  it('refuses a cut where the same records had other bytes', async ({ store }) => {
    const bytesOf = (text: string) => ({ bytes: utf8.encode(text) });
    await store.archive(new Cutter().next('0', [paid(1), bytesOf('{"n":1}'), bytesOf('{"n":2}')]));
    const restored = new Cutter().next('0', [paid(1), bytesOf('{"n":1}'), bytesOf('{"n":3}')]);
    await expect(store.archive(restored)).rejects.toMatchObject({
      code: 'archive_mismatch',
      retryable: false,
    });
  });

  it('gives records by their leaves, exactly as they are hashed', async ({ store }) => {
    const cutter = new Cutter();
    const noText = Uint8Array.of(0xff, 0x00, 0xfe);
    const batches = [
      cutter.next('0', [paid(1), { bytes: noText, tenant: '', ignored: 'undecodable' }]),
      cutter.next('control', [{ tenant: 'other', agent: '' }]),
      cutter.next('0', [paid(2)]),
    ];
    for (const batch of batches) await store.archive(batch);
    const all = batches.flatMap(({ records }) => records.map(({ record }) => record));
    expect(await store.leaves(0, 4)).toEqual(all);
    expect(await store.leaves(1, 3)).toEqual(all.slice(1, 3));
    expect(await store.leaves(3, 100)).toEqual(all.slice(3));
    expect(await store.leaves(4, 100)).toEqual([]);
  });

  it('gives the columns a payment goes on from', async ({ store }) => {
    const cutter = new Cutter();
    await store.archive(cutter.next('0', [{ paymentId: payment(1), tier: '', amount: 5n }]));
    const big = 2n ** 256n - 1n;
    await store.archive(cutter.next('0', [{ paymentId: payment(1), amount: big }]));
    await store.archive(
      cutter.next('0', [{ paymentId: payment(1), ignored: 'duplicate', tier: 'no' }]),
    );
    const found = await store.columnsOf([payment(1), payment(2)]);
    expect([...found.keys()]).toEqual([payment(1)]);
    expect(found.get(payment(1))).toMatchObject({ amount: big, tier: 'autonomous' });
  });
}

function searchClauses(it: TestAPI<Fixtures>): void {
  const filled = async (store: EventStore) => {
    const cutter = new Cutter();
    const intent = (number: number, purpose: string, change: Change = {}): Change => ({
      paymentId: payment(number),
      texts: { purpose },
      ...change,
    });
    await store.archive(
      cutter.next('0', [
        intent(1, 'To index the Gutenberg library'),
        intent(2, 'hire a translator', {
          ...{ task: 'books', session: 'monday', agent: 'batch-1', outcome: 'deny' },
          ...{ auditDepth: 'decisive', auditProfile: 'hr-7-years' },
        }),
        { event: 'authorization.fixed', paymentId: payment(1), nonce: '0xaa' },
        paid(1, { txHash: '0xbb', policyVersion: 3 }),
        intent(3, 'to index a library', { tenant: 'other' }),
      ]),
    );
    await store.archive(
      cutter.next('1', [intent(4, 'index: Übersetzung der ΟΔΥΣΣΕΙΑ', { seller: 'images' })]),
    );
  };
  const leaves = async (store: EventStore, query: object) =>
    (await store.search({ ...ALL, ...query })).events.map((event) => event.leaf);

  const pagesOf = async (store: EventStore, query: object) => {
    const pages: (readonly number[])[] = [];
    for (let before: number | undefined; ;) {
      const { events, next } = await store.search({ ...ALL, ...query, before });
      pages.push(events.map((it) => it.leaf));
      if (next === null) return pages;
      before = next;
    }
  };

  it('finds by every condition, newest first', async ({ store }) => {
    await filled(store);
    const expected: readonly (readonly [string, object, readonly number[]])[] = [
      ['everything of the tenant', {}, [5, 3, 2, 1, 0]],
      ['a payment', { paymentId: payment(1) }, [3, 2, 0]],
      ['the payment of a transaction', { txHash: '0xBB' }, [3, 2, 0]],
      ['the payment of a nonce', { nonce: '0xaa' }, [3, 2, 0]],
      ['a task', { task: 'books' }, [1]],
      ['a session', { session: 'monday' }, [1]],
      ['a seller', { seller: 'images' }, [5]],
      ['an agent', { agent: 'batch-1' }, [1]],
      ['an event', { event: 'settlement.final' }, [3]],
      ['an outcome', { outcome: 'deny' }, [1]],
      ['a policy version', { policyVersion: 3 }, [3]],
      ['an audit depth', { auditDepth: 'decisive' }, [1]],
      ['a record profile', { auditProfile: 'hr-7-years' }, [1]],
      ['words of a purpose', { text: 'INDEX library' }, [0]],
      ['one word of a purpose', { text: 'index' }, [5, 0]],
      ['a word with a capital of any alphabet', { text: 'Übersetzung' }, [5]],
      ['such a word in small letters', { text: 'übersetzung' }, [5]],
      ['such words in capitals', { text: 'ÜBERSETZUNG οδυσσεια' }, [5]],
      ['no part of a word', { text: 'transl' }, []],
      ['words and a seller', { text: 'index', seller: 'images' }, [5]],
      ['words and an agent', { text: 'translator', agent: 'batch-1' }, [1]],
      ['words and another agent', { text: 'translator', agent: 'research-1' }, []],
      ['words and an event', { text: 'index', event: 'intent.submitted' }, [5, 0]],
      ['words and another event', { text: 'index', event: 'settlement.final' }, []],
      ['words and a time', { text: 'translator', fromMs: START_MS + 1, toMs: START_MS + 2 }, [1]],
      ['words after a time', { text: 'translator', fromMs: START_MS + 2 }, []],
      ['words before a time', { text: 'translator', toMs: START_MS + 1 }, []],
      ['a time', { fromMs: START_MS + 1, toMs: START_MS + 3 }, [2, 1]],
    ];
    for (const [name, query, found] of expected)
      expect([name, await leaves(store, query)]).toEqual([name, found]);
  });

  it('finds by a payment what names it, and by a transaction what is of no payment', async ({
    store,
  }) => {
    const cutter = new Cutter();
    const outcome = { event: 'outcome.recorded', payments: [payment(2), payment(1)] };
    const theft = { event: 'wallet.frozen', agent: '', txHash: '0xcc', nonce: '0xdd' };
    await store.archive(
      cutter.next('0', [paid(1, { txHash: '0xbb' }), outcome, paid(3), { event: 'task.opened' }]),
    );
    await store.archive(
      cutter.next('control', [theft, { ...theft, tenant: 'other' }, { event: 'tenant.frozen' }]),
    );
    const expected: readonly (readonly [object, readonly number[]])[] = [
      [{ paymentId: payment(1) }, [1, 0]],
      [{ paymentId: payment(2) }, [1]],
      [{ paymentId: payment(4) }, []],
      [{ txHash: '0xbb' }, [1, 0]],
      [{ txHash: '0xCC' }, [4]],
      [{ nonce: '0xdd' }, [4]],
      [{ txHash: '0xcc', nonce: '0xdd' }, [4]],
      [{ txHash: '0xcc', paymentId: payment(1) }, []],
      [{ txHash: '0xee' }, []],
    ];
    for (const [query, found] of expected)
      expect([query, await leaves(store, query)]).toEqual([query, found]);
    const { events } = await store.search({ ...ALL, paymentId: payment(2) });
    expect(events).toMatchObject([{ paymentId: '', payments: [payment(2), payment(1)] }]);
  });

  it('gives each record as it was stored, with its free text', async ({ store }) => {
    await filled(store);
    const { events } = await store.search({ ...ALL, text: 'translator' });
    const expected = {
      ...{ ...BLANK, agent: 'batch-1', task: 'books', session: 'monday', outcome: 'deny' },
      ...{ auditDepth: 'decisive', auditProfile: 'hr-7-years' },
    };
    expect(events).toEqual([
      {
        ...expected,
        paymentId: payment(2),
        leaf: 1,
        position: { lane: '0', offset: 1 },
        atMs: START_MS + 1,
        texts: { purpose: 'hire a translator' },
      },
    ]);
  });

  it('gives a record alike, with all of its free text, whichever way it is found', async ({
    store,
  }) => {
    const change: Change = {
      ...{ ...paid(1), amount: 2n ** 256n - 1n, amountUnits: 2n ** 53n + 1n, ignored: 'duplicate' },
      ...{
        payments: [payment(2)],
        person: 'Zoë "Z"',
        nonce: '0xaa',
        reasons: [],
        seller: 'images',
      },
      texts: { purpose: 'to index', justification: 'the library is\nurgent' },
    };
    await store.archive(new Cutter().next('0', [change, { texts: { purpose: 'to index' } }]));
    const { texts, ...columns } = change;
    const found = {
      ...{ ...BLANK, ...columns, texts },
      ...{ leaf: 0, position: { lane: '0', offset: 0 }, atMs: START_MS },
    };
    for (const query of [
      { text: 'urgent' },
      { text: 'urgent', seller: 'images' },
      { seller: 'images' },
    ])
      expect(await store.search({ ...ALL, ...query })).toEqual({ events: [found], next: null });
    const { events } = await store.search({ ...ALL, text: 'index' });
    expect(events.map((it) => it.texts)).toEqual([{ purpose: 'to index' }, texts]);
  });

  it('pages words without a gap or a repeat, a record once for all of its texts', async ({
    store,
  }) => {
    const cutter = new Cutter();
    const both = { texts: { purpose: 'to index', justification: 'no index yet' } };
    await store.archive(cutter.next('0', [both, both, {}, both]));
    expect(await pagesOf(store, { text: 'index', limit: 2 })).toEqual([[3, 1], [0]]);
  });

  it('pages without a gap or a repeat while records come in', async ({ store }) => {
    const cutter = new Cutter();
    await store.archive(cutter.next('0', [paid(1), paid(2), paid(3), paid(4), paid(5)]));
    const first = await store.search({ ...ALL, limit: 2 });
    await store.archive(cutter.next('0', [paid(6), paid(7)]));
    const second = await store.search({ ...ALL, limit: 2, before: first.next ?? 0 });
    const third = await store.search({ ...ALL, limit: 2, before: second.next ?? 0 });
    const all = [first, second, third].flatMap((page) => page.events.map((it) => it.leaf));
    expect(all).toEqual([4, 3, 2, 1, 0]);
    expect(third.next).toBeNull();
  });

  it('finds a tenant’s newest wherever they stand', async ({ store, subject }) => {
    const others = Array.from({ length: 100 }, () => ({ tenant: 'other' }));
    const cutter = new Cutter();
    for (const changes of [[{}, ...others], [{}, {}], others])
      await store.archive(cutter.next('0', changes));
    const below = (end: number) => Array.from({ length: 100 }, (_, index) => end - 1 - index);
    const expectAll = async (some: EventStore) => {
      expect(await pagesOf(some, { limit: 1 })).toEqual([[102], [101], [0]]);
      expect(await pagesOf(some, { limit: 2 })).toEqual([[102, 101], [0]]);
      const pages = await pagesOf(some, { tenant: 'other', limit: 100 });
      expect(pages).toEqual([below(203), below(101)]);
    };
    await expectAll(store);
    const again = await subject.reopen();
    await expectAll(again);
    await again.archived();
    await expectAll(again);
  });

  it('finds what stands behind any number of records with the same word', async ({ store }) => {
    const hits = Array.from({ length: MANY }, () => ({ texts: { purpose: 'to index' } }));
    const [oldest, ...others] = hits;
    const [second] = others;
    if (!oldest || !second) throw new Error('no records');
    const changes = [
      { ...oldest, seller: 'images' },
      { ...second, seller: 'images' },
      ...others.slice(1),
    ];
    await store.archive(new Cutter().next('0', changes));
    const found: number[] = [];
    for (let before: number | undefined; ;) {
      const query = { ...ALL, text: 'index', seller: 'images', before, limit: 1 };
      const { events, next } = await store.search(query);
      found.push(...events.map((it) => it.leaf));
      if (next === null) break;
      before = next;
    }
    expect(found).toEqual([1, 0]);
  });

  it('forgets free text that is erased, and nothing else', async ({ store }) => {
    await filled(store);
    await store.eraseOpenings({ lane: '0', offset: 0 });
    await store.eraseOpenings({ lane: '0', offset: 0 });
    expect(await leaves(store, { text: 'gutenberg' })).toEqual([]);
    expect(await leaves(store, { text: 'index' })).toEqual([5]);
    expect(await leaves(store, { paymentId: payment(1) })).toEqual([3, 2, 0]);
  });
}

function spendClauses(it: TestAPI<Fixtures>): void {
  it('counts what was paid, by the day of the block, once and only where it counted', async ({
    store,
  }) => {
    const cutter = new Cutter();
    const big = 10n ** 30n;
    const cut = cutter.next('0', [
      paid(1),
      paid(2, { amount: big, seller: 'images' }),
      paid(2, { amount: big, seller: 'images', ignored: 'duplicate' }),
      paid(3, { agent: 'batch-1', policyVersion: 4 }),
      paid(4, { tenant: 'other' }),
      { event: 'settlement.observed', paymentId: payment(5), chainAtMs: START_MS + 900_000 },
    ]);
    await store.archive(cut);
    await store.archive(cutter.next('0', [paid(6)]));
    await store.archive(cut);
    const { lines, truncated } = await store.spend(DAYS);
    const told = lines.map((it) => [it.agent, it.seller, it.amount, it.payments, it.policyVersion]);
    expect(told).toEqual([
      ['batch-1', 'embeddings', 20_000n, 1, 4],
      ['research-1', 'images', big, 1, 2],
      ['research-1', 'embeddings', 40_000n, 2, 2],
    ]);
    expect(truncated).toBe(false);
    expect(lines[0]).toMatchObject({ day: DAY, tier: 'autonomous', reason: 'tier_met' });
    const ofAgent = await store.spend({ ...DAYS, agent: 'batch-1' });
    expect(ofAgent.lines).toEqual(lines.slice(0, 1));
    const daysBefore = { ...DAYS, from: '2026-08-01', to: '2026-08-31' };
    expect(await store.spend(daysBefore)).toEqual({ lines: [], truncated: false });
  });

  it('leaves out the oldest of too many lines, and says so', async ({ store }) => {
    const dayMs = 86_400_000;
    const tasks = Array.from({ length: SPEND_LINES_MAX - 1 }, (_, index) =>
      paid(index, { task: `t${index}` }),
    );
    const cutter = new Cutter();
    await store.archive(cutter.next('0', [paid(MANY, { chainAtMs: START_MS }), ...tasks]));
    const query = { tenant: 'acme', from: '2026-08-01', to: '2026-09-30' };
    const whole = await store.spend(query);
    expect([whole.lines.length, whole.truncated]).toEqual([SPEND_LINES_MAX, false]);
    expect(whole.lines.at(-1)?.day).toBe('2026-08-31');
    const nextDay = paid(MANY + 1, { chainAtMs: START_MS + dayMs + 900_000 });
    await store.archive(cutter.next('0', [nextDay]));
    const newest = await store.spend(query);
    expect([newest.lines.length, newest.truncated]).toEqual([SPEND_LINES_MAX, true]);
    expect([newest.lines[0]?.day, newest.lines.at(-1)?.day]).toEqual(['2026-09-02', DAY]);
  });
}

/** A name that goes on, where names are printed as they are, with a line that says what is not so. */
const SPLIT = String.raw`x\n       Identifier events`;

/** Queries that would read, write or reach what they must not. */
const ATTACKS = [
  `SELECT 'x' AS \`${SPLIT}\`, \`${SPLIT}\` IN log`,
  `SELECT 'x' AS "${SPLIT}", "${SPLIT}" IN log`,
  `SELECT 'x' AS \`${SPLIT}\`, \`${SPLIT}\` IN system.databases`,
  `SELECT 'x' AS \`${SPLIT.replace(String.raw`\n`, '\n')}\`, \`${SPLIT.replace(String.raw`\n`, '\n')}\` IN log`,
  "SELECT * FROM url('http://127.0.0.1:1/x', 'LineAsString')",
  "SELECT * FROM file('/etc/hostname', 'LineAsString')",
  "SELECT file('/etc/hostname')",
  "SELECT 1, (SELECT file('/etc/hostname'))",
  "DESCRIBE file('/etc/hostname')",
  "SELECT * FROM (DESCRIBE TABLE file('/etc/hostname'))",
  "SELECT * FROM s3('http://127.0.0.1:1/bucket/x', 'LineAsString')",
  "SELECT * FROM remote('127.0.0.1', 'system', 'one')",
  "SELECT * FROM executable('id', 'TSV', 'a String')",
  "SELECT * FROM sqlite('/tmp/countersign-attack.db', 't')",
  "SELECT * FROM merge('countersign', '.*')",
  'SELECT * FROM view(SELECT * FROM records)',
  'SELECT * FROM loop(records)',
  "SELECT * FROM '/etc/hostname'",
  'SELECT * FROM records',
  'SELECT * FROM countersign.records',
  'WITH records AS (SELECT 1) SELECT * FROM records',
  "SELECT 'WITH records AS (' FROM records",
  'SELECT 1 WHERE 1 IN records',
  'SELECT 1 WHERE 1 IN system.functions',
  'SELECT * FROM system.tables',
  'SELECT * FROM system.processes',
  'SELECT * FROM information_schema.tables',
  "SELECT 1 INTO OUTFILE '/tmp/countersign-attack.csv'",
  "SELECT 1 INTO OUTFILE '/tmp/countersign-attack.csv' FORMAT CSV",
  'SELECT 1; DROP TABLE records',
  'SELECT 1 /* ; */ ; SELECT 2',
  'SELECT 1 SETTINGS readonly = 0',
  'SELECT * FROM events SETTINGS additional_table_filters = {}',
  'SET readonly = 0',
  'DROP TABLE records',
  'TRUNCATE TABLE records',
  "INSERT INTO openings (value) VALUES ('x')",
  'ALTER TABLE records DELETE WHERE 1',
  "INSERT INTO FUNCTION file('/tmp/countersign-attack.csv') SELECT 1",
  'CREATE TABLE x (a UInt8) ENGINE = Memory',
  'KILL QUERY WHERE 1',
  'SHOW TABLES',
  'SYSTEM FLUSH LOGS',
  'EXPLAIN SELECT 1',
  'SELECT sleep(3)',
  'SELECT hostName()',
  'SELECT currentUser()',
  "SELECT getSetting('max_memory_usage')",
  "SELECT dictGet('a', 'b', 1)",
  "SELECT joinGet('records', 'bytes', 1)",
  "SELECT catboostEvaluate('/etc/hostname', 1)",
  "SELECT aiGenerate('x')",
  'SELECT mergeTreePartInfo(1)',
  'SELECT arrayLevenshteinDistance(range(3000000), range(3000000))',
  "SELECT editDistanceUTF8('a', 'b')",
  'SELECT',
  '',
  ';',
];

const kindOf = (error: unknown) => (error instanceof SqlRefused ? 'refused' : String(error));

function refusedSqlClause(it: TestAPI<Fixtures>): void {
  it('is refused', async ({ store }) => {
    await expect(store.sql('acme', 'SELECT 1')).rejects.toBeInstanceOf(SqlRefused);
  });
}

function sqlClauses(it: TestAPI<Fixtures>, bytesMax: number): void {
  const both = () => new Cutter().next('0', [paid(1), paid(2, { tenant: 'other' }), paid(3)]);

  it('keeps bytes exactly, be they text or not, and shows no wallet signature', async ({
    store,
  }) => {
    const samples = [
      utf8.encode('{"text":"ü — \\u0000\t\n\'\\"}'),
      Uint8Array.of(0xef, 0xbb, 0xbf, 0x7b),
      Uint8Array.of(0xc3, 0x28, 0x00, 0xff),
      new Uint8Array(0),
    ];
    const changes: Change[] = samples.map((bytes) => ({ bytes, event: '' }));
    changes.push({ event: 'signing.completed', bytes: utf8.encode(SIGNATURE) });
    await store.archive(new Cutter().next('0', changes));
    const { rows } = await store.sql(
      'acme',
      "SELECT hex(if(bytes_encoding = 'base64', base64Decode(bytes), bytes)) FROM events ORDER BY leaf",
    );
    const hex = samples.map((bytes) => Buffer.from(bytes).toString('hex').toUpperCase());
    expect(rows).toEqual([...hex, ''].map((it) => [it]));
  });

  it('answers with names, types and rows, wide integers as text', async ({ store }) => {
    await store.archive(new Cutter().next('0', [paid(1, { amount: 10n ** 30n })]));
    const query = `-- what was paid
      WITH paid AS (SELECT agent, amount FROM events WHERE event = 'settlement.final')
      SELECT agent, sum(amount) AS total, countIf(amount > 1) AS n, arrayMap(x -> x + 1, [1]) AS a FROM paid GROUP BY agent;`;
    expect(await store.sql('acme', query)).toEqual({
      columns: [
        { name: 'agent', type: 'LowCardinality(String)' },
        { name: 'total', type: 'UInt256' },
        { name: 'n', type: 'UInt64' },
        { name: 'a', type: 'Array(UInt16)' },
      ],
      rows: [['research-1', String(10n ** 30n), '1', [2]]],
      truncated: false,
    });
  });

  it('shows a tenant its own rows only', async ({ store }) => {
    const batch = both();
    const openings = [{ field: 'purpose', value: 'x', salt: 'y' }];
    await store.archive({ ...batch, records: batch.records.map((it) => ({ ...it, openings })) });
    for (const table of ['events', 'openings', 'spend_by_day', 'spend_by_reason']) {
      const seen = async (tenant: string) =>
        (await store.sql(tenant, `SELECT DISTINCT tenant FROM ${table}`)).rows;
      expect([table, await seen('acme')]).toEqual([table, [['acme']]]);
      expect([table, await seen('other')]).toEqual([table, [['other']]]);
      expect([table, await seen('third')]).toEqual([table, []]);
    }
  });

  it('refuses what reads, writes or reaches anything else', async ({ store, subject }) => {
    await store.archive(both());
    const outcomes = new Map<string, string>();
    for (const query of ATTACKS)
      outcomes.set(query, await store.sql('acme', query).then(() => 'ran', kindOf));
    expect([...outcomes].filter(([, outcome]) => outcome !== 'refused')).toEqual([]);
    expect(await countsOf(subject)).toEqual([3, 0, 3, 3, 1]);
  });

  it('stops a query that takes too much, and goes on', async ({ store, subject }) => {
    await store.archive(both());
    const greedy = 'SELECT groupArray(number) FROM numbers(1000000000)';
    await expect(store.sql('acme', greedy)).rejects.toBeInstanceOf(SqlRefused);
    expect(await countsOf(subject)).toEqual([3, 0, 3, 3, 1]);
  });

  it('answers one query at a time, and everything else meanwhile', async ({ store }) => {
    await store.archive(both());
    const [first, second, found] = await Promise.allSettled([
      store.sql('acme', 'SELECT count() FROM events'),
      store.sql('other', 'SELECT 1'),
      store.search(ALL),
    ]);
    expect(first).toMatchObject({ value: { rows: [['2']] } });
    expect(second).toMatchObject({
      reason: { code: 'event_store_unavailable', retryable: true },
    });
    expect(found).toMatchObject({ value: { events: [{ leaf: 2 }, { leaf: 0 }] } });
    expect(await store.sql('other', 'SELECT 1')).toMatchObject({ rows: [[1]] });
  });

  it('gives so many rows and says that there are more', async ({ store }) => {
    const { rows, truncated } = await store.sql('acme', 'SELECT number FROM numbers(100000)');
    expect([rows.length, truncated]).toEqual([10_000, true]);
  });

  it.for([
    ['of different values', 'toString(number % 10)'],
    ['of one value in every row', "'x'"],
    ['of one word of a dictionary', "toLowCardinality('x')"],
    ['of characters that are written longer', String.raw`'\0'`],
  ] as const)('refuses an answer of too many bytes, %s', async ([, character], { store }) => {
    const query = (rows: number) => `SELECT repeat(${character}, 1000) FROM numbers(${rows})`;
    const asked = store.sql('acme', query(bytesMax / 1_000));
    expect(await asked.then(() => 'answered', String)).toMatch(/^SqlRefused: .*more than \d+ MB/);
    const { rows, truncated } = await store.sql('acme', query(bytesMax / 10_000));
    expect([rows.length, truncated]).toEqual([bytesMax / 10_000, false]);
  });

  it('keeps the order, the names and the types of any answer, of an empty one too', async ({
    store,
  }) => {
    const query = `SELECT * FROM (SELECT number AS n, toString(n) AS \`a )b\`, n FROM numbers(3) ORDER BY n DESC)`;
    const columns = [
      { name: 'n', type: 'UInt64' },
      { name: 'a )b', type: 'String' },
      { name: 'n', type: 'UInt64' },
    ];
    const rows = ['2', '1', '0'].map((it) => [it, it, it]);
    expect(await store.sql('acme', query)).toEqual({ columns, rows, truncated: false });
    const none = await store.sql('acme', `${query} WHERE n > 2`);
    expect(none).toEqual({ columns, rows: [], truncated: false });
  });
}
