import { setTimeout as sleep } from 'node:timers/promises';
import { engineInProcess, openEventStore } from '@countersign/adapter-clickhouse';
import type { ArchiveBatch, EventStore, RecordColumns } from '@countersign/ports';
import { type Bench, type Line, inDirectory, quantile, secondsOf } from './bench.ts';

const CUT = 10_000;
const AGENTS = 1_000;
const DAYS = 180;
/** Half a year's records in a few minutes leave merges behind, which a store that filled in half a year has long done. */
const REST_MS = { quick: 0, full: 60_000 };
const START_MS = Date.UTC(2026, 0, 1);
const NAMES = [
  'intent.submitted',
  'decision.made',
  'authorization.fixed',
  'signing.completed',
  'settlement.final',
];
const WORDS = ['index', 'library', 'translate', 'fetch', 'weather', 'image', 'report', 'rank'];

/** Digits that no codec can guess, the same on every run. */
function hex(seed: number, digits: number): string {
  let state = (seed + 1) * 0x9e3779b1;
  let text = '';
  while (text.length < digits) {
    state = Math.imul(state ^ (state >>> 15), 0x85ebca6b) + 0x6d2b79f5;
    text += ((state ^ (state >>> 13)) >>> 0).toString(16).padStart(8, '0');
  }
  return text.slice(0, digits);
}

function columnsOf(payment: number, step: number, atMs: number): RecordColumns {
  const isFinal = step === 4;
  return {
    ...{
      tenant: 'acme',
      agent: `agent-${payment % AGENTS}`,
      event: NAMES[step] ?? '',
      ignored: '',
    },
    ...{
      paymentId: `pay_0_${hex(payment, 32)}`,
      payments: [],
      person: '',
      code: '',
      kind: 'payment',
      session: 'none',
      auditDepth: 'full',
      auditProfile: '',
      task: 'none',
    },
    nonce: step === 2 ? `0x${hex(payment + 1e7, 64)}` : '',
    txHash: isFinal ? `0x${hex(payment + 2e7, 64)}` : '',
    chainAtMs: isFinal ? atMs : 0,
    ...{
      seller: `seller-${payment % 200}`,
      category: 'embedding',
      trust: 'known',
      jurisdiction: 'DE',
    },
    ...{
      domain: `api${payment % 200}.example.com`,
      url: `https://api${payment % 200}.example.com/v1/embed`,
    },
    ...{ network: 'eip155:84532', asset: '0x036cbd53842c5426634e7929541ec2318f3dcf7e' },
    ...{
      payTo: `0x${hex(payment % 200, 40)}`,
      amount: BigInt(20_000 + (payment % 97)),
      amountUnits: 20_000n,
    },
    ...{
      policyVersion: 3,
      policyHash: hex(3, 64),
      outcome: step === 0 ? '' : 'allow',
      tier: 'autonomous',
    },
    ...{ reasons: ['tier_met'], wallet: 'w1' },
  };
}

function batchOf(sequence: number, from: number, to: number, stepMs: number): ArchiveBatch {
  return {
    cut: { sequence, lane: '0', from, to, treeSize: to },
    tree: { root: hex(sequence, 64), frontier: [] },
    records: Array.from({ length: to - from }, (_, index) => {
      const offset = from + index;
      const [payment, step] = [Math.floor(offset / NAMES.length), offset % NAMES.length];
      const stampMs = Math.floor(START_MS + offset * stepMs);
      const columns = columnsOf(payment, step, stampMs);
      const { paymentId, agent, event, nonce, url } = columns;
      // The entropy of a real record: its id, and a signature on all but the first.
      const signature = step === 0 ? undefined : { keyId: 'k', value: hex(offset, 128) };
      const bytes = new TextEncoder().encode(
        JSON.stringify({
          id: hex(offset + 5e7, 64),
          type: event,
          data: { paymentId, agent, nonce, url, signature },
        }),
      );
      const purpose = `${WORDS[payment % 8]} ${WORDS[(payment >> 3) % 8]} order${payment}`;
      return {
        record: { lane: '0', offset, stampMs, key: `acme/${agent}`, bytes },
        columns,
        openings:
          step === 0 ? [{ field: 'purpose', value: purpose, salt: hex(payment + 9e7, 32) }] : [],
      };
    }),
  };
}

/** Where the cut that starts here ends: full, or with its month. */
function endOfCut(from: number, events: number, stepMs: number): number {
  const monthOf = (offset: number) =>
    new Date(Math.floor(START_MS + offset * stepMs)).toISOString().slice(0, 7);
  let to = Math.min(events, from + CUT);
  while (monthOf(to - 1) !== monthOf(from)) to -= 1;
  return to;
}

/** Fills the store and gives the seconds that inserting took, without those of making the records. */
async function fill(store: EventStore, events: number, stepMs: number): Promise<number> {
  let seconds = 0;
  let sequence = 0;
  for (let from = 0; from < events; sequence += 1) {
    const to = endOfCut(from, events, stepMs);
    const batch = batchOf(sequence, from, to, stepMs);
    seconds += await secondsOf(() => store.archive(batch));
    from = to;
  }
  return seconds;
}

async function medianMs(work: (round: number) => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < 11; round += 1) times.push(await secondsOf(() => work(round)));
  return quantile(times, 0.5) * 1000;
}

/** Another payment in each round. */
function somePayment(round: number, events: number): number {
  return (round * 7_919) % Math.floor(events / NAMES.length);
}

function wordMs(store: EventStore, events: number): Promise<number> {
  const search = (round: number) =>
    store.search({ tenant: 'acme', limit: 50, text: `order${somePayment(round, events)}` });
  return medianMs(search);
}

async function askedOf(store: EventStore, events: number): Promise<Line[]> {
  const acme = { tenant: 'acme', limit: 50 };
  const count = (query: string) => () =>
    store.sql('acme', `SELECT count() FROM (${query} GROUP BY ALL)`);
  const asked = async (what: string, work: (round: number) => Promise<unknown>, aim = '') => ({
    what,
    figure: ms(await medianMs(work)),
    aim,
  });
  const fromRecords = await medianMs(
    count(
      "SELECT agent, toDate(chain_at) AS day, sum(amount) FROM events WHERE event = 'settlement.final' AND ignored = ''",
    ),
  );
  const fromRollup = await medianMs(count('SELECT agent, day, sum(amount) FROM spend_by_day'));
  const times = (fromRecords / fromRollup).toFixed(1);
  return [
    {
      what: 'spend by agent and day, from the rollup',
      figure: ms(fromRollup),
      beside: `from the records ${ms(fromRecords)}: ${times} times`,
      aim: '60 ms over 10 million',
    },
    { what: 'a rare word of a purpose', figure: ms(await wordMs(store, events)), aim: '6 ms' },
    await asked('all records of a payment', (round) =>
      store.search({ ...acme, paymentId: `pay_0_${hex(somePayment(round, events), 32)}` }),
    ),
    await asked('newest 50 of an agent', () => store.search({ ...acme, agent: 'agent-7' })),
    await asked('newest 50 of all', () => store.search(acme)),
    await asked('a SELECT of nothing, with its checks', () => store.sql('acme', 'SELECT 1')),
  ];
}

/** Bytes per record, once the engine has merged what it was given. */
async function sizes(folder: string, events: number): Promise<Line[]> {
  const engine = await engineInProcess(folder);
  for (const table of ['records', 'openings', 'spend_by_day', 'spend_by_reason'])
    await engine.writer.command({ query: `OPTIMIZE TABLE ${table} FINAL` });
  const answer = await engine.reader.query({
    query: `SELECT toFloat64(sum(bytes_on_disk)) AS everything,
        (SELECT toFloat64(sum(column_data_compressed_bytes)) FROM system.parts_columns
         WHERE active AND table = 'records' AND column = 'bytes') AS exact
      FROM system.parts WHERE active AND database = 'countersign'`,
    format: 'JSONEachRow',
  });
  const [row] = await answer.json<{ everything: number; exact: number }>();
  await engine.close();
  const { everything = NaN, exact = NaN } = row ?? {};
  const each = (bytes: number) => `${(bytes / events).toFixed(1)} B`;
  return [
    {
      what: 'a record on disk without its exact bytes: columns, indexes, free text, rollups',
      figure: each(everything - exact),
      beside: `the exact bytes ${each(exact)}, most of them hashes and signatures`,
      aim: '60 B',
    },
  ];
}

const ms = (value: number) => `${value.toFixed(1)} ms`;

export const bench: Bench = {
  title: 'Event store',
  about:
    'Five records a payment through the port into the engine in process, 1,000 agents over 180 days. Making the records is not counted; reading each cut back is. Questions are asked a minute after the last record was stored.',
  async run(tell, size, { records }) {
    const events = records ?? (size === 'full' ? 1_000_000 : 20_000);
    const stepMs = (DAYS * 86_400_000) / events;
    return inDirectory(async (folder) => {
      const store = await openEventStore({ logId: 'bench', folder });
      tell(`storing ${events} records`);
      const seconds = await fill(store, events, stepMs);
      const first = batchOf(0, 0, endOfCut(0, events, stepMs), stepMs);
      const repeat = await medianMs(() => store.archive(first));
      tell('letting the engine merge for a while');
      await sleep(REST_MS[size]);
      tell('asking');
      const asked = await askedOf(store, events);
      await store.close();
      const merged = await sizes(folder, events);
      const later = await openEventStore({ logId: 'bench', folder });
      const word = await wordMs(later, events);
      await later.close();
      return [
        {
          what: `${events.toLocaleString('en')} records, cuts of ${CUT.toLocaleString('en')}`,
          figure: `${Math.round(events / seconds).toLocaleString('en')} /s`,
          beside: `a cut stored again, without effect: ${ms(repeat)}`,
          aim: '80,000 /s',
        },
        ...asked,
        {
          what: 'a rare word, when each month is one part, as a day after its end',
          figure: ms(word),
          aim: '6 ms',
        },
        ...merged,
      ];
    });
  },
};
