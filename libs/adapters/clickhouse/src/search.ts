import type { ClickHouseClient } from '@clickhouse/client';
import { SPEND_LINES_MAX } from '@countersign/ports';
import type {
  EventPage,
  EventQuery,
  FoundEvent,
  Leaf,
  PaymentColumns,
  SpendQuery,
  SpendReport,
} from '@countersign/ports';
import { asBytes } from './rows.ts';

/** A row of `records` as our queries select it. Wide integers come as text. */
interface Row {
  readonly [column: string]: string | number | readonly string[];
}

const PAYMENT_COLUMNS = `kind, task, session, seller, category, trust, jurisdiction, domain, url, network, asset, pay_to,
  toString(amount) AS amount_text, toString(amount_units) AS units_text, policy_version, policy_hash, outcome, tier, reasons, audit_depth, audit_profile,
  wallet`;
const EVENT_COLUMNS = `toFloat64(leaf) AS leaf_number, lane, toFloat64(lane_offset) AS offset_number, tenant, agent, event, ignored,
  payment_id, person, code, nonce, tx_hash, toFloat64(toUnixTimestamp64Milli(at)) AS at_ms,
  toFloat64(toUnixTimestamp64Milli(chain_at)) AS chain_ms, ${PAYMENT_COLUMNS}`;

/** The newest columns of each payment. */
export async function paymentColumns(
  client: ClickHouseClient,
  paymentIds: readonly string[],
): Promise<ReadonlyMap<string, PaymentColumns>> {
  if (paymentIds.length === 0) return new Map();
  const rows = await select(
    client,
    `SELECT payment_id, ${PAYMENT_COLUMNS} FROM records
     WHERE payment_id IN {ids:Array(String)} AND ignored = ''
     ORDER BY leaf DESC LIMIT 1 BY payment_id`,
    { ids: paymentIds },
  );
  return new Map(rows.map((row) => [text(row, 'payment_id'), paymentColumnsOf(row)]));
}

/** Records as they are hashed. */
export async function leaves(
  client: ClickHouseClient,
  from: number,
  to: number,
): Promise<readonly Leaf[]> {
  const rows = await select(
    client,
    `SELECT lane, toFloat64(lane_offset) AS offset_number, toFloat64(toUnixTimestamp64Milli(at)) AS at_ms, record_key,
       bytes, bytes_encoding
     FROM records WHERE leaf >= {from:UInt64} AND leaf < {to:UInt64} ORDER BY leaf`,
    { from, to },
  );
  return rows.map((row) => ({
    lane: text(row, 'lane'),
    offset: number(row, 'offset_number'),
    stampMs: number(row, 'at_ms'),
    key: text(row, 'record_key'),
    bytes: asBytes(text(row, 'bytes'), text(row, 'bytes_encoding')),
  }));
}

/** One page, newest first. The leaf is the cursor: no record ever comes in before one that was shown. */
export async function search(client: ClickHouseClient, query: EventQuery): Promise<EventPage> {
  const oldest = await oldestTried(client, query);
  const { conditions, params } = conditionsOf(query, oldest);
  const rows = await select(
    client,
    `SELECT ${EVENT_COLUMNS} FROM records WHERE ${conditions.join(' AND ')}
     ORDER BY records.leaf DESC LIMIT {count:UInt32}`,
    { ...params, count: query.limit + 1 },
  );
  const found = rows.slice(0, query.limit);
  const texts = await textsOf(client, query.tenant, found);
  const events = found.map((row) => eventOf(row, texts));
  const last = events.at(-1);
  return { events, next: rows.length > query.limit && last ? last.leaf : (oldest ?? null) };
}

const EQUALS = [
  ['agent', 'agent', 'String'],
  ['paymentId', 'payment_id', 'String'],
  ['task', 'task', 'String'],
  ['session', 'session', 'String'],
  ['seller', 'seller', 'String'],
  ['event', 'event', 'String'],
  ['outcome', 'outcome', 'String'],
  ['policyVersion', 'policy_version', 'UInt32'],
  ['auditDepth', 'audit_depth', 'String'],
  ['auditProfile', 'audit_profile', 'String'],
] as const;

/** Columns that stand on one record of a payment and find all of them. */
const OF_PAYMENT = [
  ['txHash', 'tx_hash'],
  ['nonce', 'nonce'],
] as const;

/** Of the records with the words of the query, older than the page before. */
const hitsOf = ({ before }: EventQuery) => `FROM openings
  WHERE tenant = {tenant:String} AND hasAllTokens(value, {text:String}) ${before === undefined ? '' : 'AND leaf < {before:UInt64}'}`;

/** How many of the newest hits of a word the other conditions are tried on. */
const TEXT_HITS_MAX = 10_000;

/** The oldest leaf with the words of the query that is tried for this page; undefined where each of them is. */
async function oldestTried(
  client: ClickHouseClient,
  query: EventQuery,
): Promise<number | undefined> {
  const { tenant, text: words, before } = query;
  if (words === undefined) return undefined;
  const [last, beyond] = await select(
    client,
    `SELECT toFloat64(leaf) AS leaf_number ${hitsOf(query)} ORDER BY leaf DESC LIMIT 2 OFFSET ${TEXT_HITS_MAX - 1}`,
    { tenant, text: words.toLowerCase(), before },
  );
  return last && beyond && number(last, 'leaf_number');
}

function conditionsOf(query: EventQuery, oldest: number | undefined) {
  const conditions = ['tenant = {tenant:String}'];
  const params: Record<string, unknown> = { tenant: query.tenant };
  const add = (condition: string, name: string, value: unknown) => {
    conditions.push(condition);
    params[name] = value;
  };
  for (const [name, column, type] of EQUALS)
    if (query[name] !== undefined) add(`${column} = {${name}:${type}}`, name, query[name]);
  for (const [name, column] of OF_PAYMENT)
    if (query[name] !== undefined)
      add(
        `payment_id IN (SELECT payment_id FROM records WHERE ${column} = {${name}:String} AND tenant = {tenant:String})`,
        name,
        query[name].toLowerCase(),
      );
  if (query.fromMs !== undefined)
    add('at >= fromUnixTimestamp64Milli({fromMs:Int64})', 'fromMs', query.fromMs);
  if (query.toMs !== undefined)
    add('at < fromUnixTimestamp64Milli({toMs:Int64})', 'toMs', query.toMs);
  if (query.before !== undefined) add('records.leaf < {before:UInt64}', 'before', query.before);
  if (query.text !== undefined) {
    const tried = oldest === undefined ? '' : 'AND leaf >= {oldest:UInt64}';
    add(
      `records.leaf IN (SELECT leaf ${hitsOf(query)} ${tried})`,
      'text',
      query.text.toLowerCase(),
    );
    params['oldest'] = oldest;
  }
  return { conditions, params };
}

async function textsOf(
  client: ClickHouseClient,
  tenant: string,
  rows: readonly Row[],
): Promise<ReadonlyMap<number, Record<string, string>>> {
  const texts = new Map<number, Record<string, string>>();
  if (rows.length === 0) return texts;
  const found = await select(
    client,
    `SELECT toFloat64(leaf) AS leaf_number, field, value FROM openings
     WHERE tenant = {tenant:String} AND leaf IN {leaves:Array(UInt64)}`,
    { tenant, leaves: rows.map((row) => number(row, 'leaf_number')) },
  );
  for (const row of found) {
    const leaf = number(row, 'leaf_number');
    texts.set(leaf, { ...texts.get(leaf), [text(row, 'field')]: text(row, 'value') });
  }
  return texts;
}

function eventOf(row: Row, texts: ReadonlyMap<number, Record<string, string>>): FoundEvent {
  const leaf = number(row, 'leaf_number');
  return {
    ...paymentColumnsOf(row),
    leaf,
    position: { lane: text(row, 'lane'), offset: number(row, 'offset_number') },
    atMs: number(row, 'at_ms'),
    tenant: text(row, 'tenant'),
    agent: text(row, 'agent'),
    event: text(row, 'event'),
    ignored: text(row, 'ignored'),
    paymentId: text(row, 'payment_id'),
    person: text(row, 'person'),
    code: text(row, 'code'),
    nonce: text(row, 'nonce'),
    txHash: text(row, 'tx_hash'),
    chainAtMs: number(row, 'chain_ms'),
    texts: texts.get(leaf) ?? {},
  };
}

function paymentColumnsOf(row: Row): PaymentColumns {
  return {
    kind: text(row, 'kind'),
    task: text(row, 'task'),
    session: text(row, 'session'),
    seller: text(row, 'seller'),
    category: text(row, 'category'),
    trust: text(row, 'trust'),
    jurisdiction: text(row, 'jurisdiction'),
    domain: text(row, 'domain'),
    url: text(row, 'url'),
    network: text(row, 'network'),
    asset: text(row, 'asset'),
    payTo: text(row, 'pay_to'),
    amount: BigInt(text(row, 'amount_text')),
    amountUnits: BigInt(text(row, 'units_text')),
    policyVersion: number(row, 'policy_version'),
    policyHash: text(row, 'policy_hash'),
    outcome: text(row, 'outcome'),
    tier: text(row, 'tier'),
    reasons: [row['reasons'] ?? []].flat().map(String),
    auditDepth: text(row, 'audit_depth'),
    auditProfile: text(row, 'audit_profile'),
    wallet: text(row, 'wallet'),
  };
}

/** From the rollup, which has a row for each day, place and reason. */
export async function spend(client: ClickHouseClient, query: SpendQuery): Promise<SpendReport> {
  const { tenant, from, to, agent } = query;
  const keys = `day, agent, kind, network, asset, seller, domain, category, task, policy_version, policy_hash, tier, reason`;
  const rows = await select(
    client,
    `SELECT toString(day) AS day_text, ${keys}, toString(sum(amount)) AS amount_text, toFloat64(sum(payments)) AS count
     FROM spend_by_reason
     WHERE tenant = {tenant:String} AND day BETWEEN {from:Date} AND {to:Date} ${agent === undefined ? '' : 'AND agent = {agent:String}'}
     GROUP BY ${keys} ORDER BY day DESC, agent, sum(amount) DESC, seller, domain, task, reason LIMIT ${SPEND_LINES_MAX + 1}`,
    { tenant, from, to, agent },
  );
  const lines = rows.slice(0, SPEND_LINES_MAX).map((row) => ({
    day: text(row, 'day_text'),
    agent: text(row, 'agent'),
    kind: text(row, 'kind'),
    network: text(row, 'network'),
    asset: text(row, 'asset'),
    seller: text(row, 'seller'),
    domain: text(row, 'domain'),
    category: text(row, 'category'),
    task: text(row, 'task'),
    policyVersion: number(row, 'policy_version'),
    policyHash: text(row, 'policy_hash'),
    tier: text(row, 'tier'),
    reason: text(row, 'reason'),
    amount: BigInt(text(row, 'amount_text')),
    payments: number(row, 'count'),
  }));
  return { lines, truncated: rows.length > SPEND_LINES_MAX };
}

async function select(
  client: ClickHouseClient,
  query: string,
  params: Readonly<Record<string, unknown>>,
): Promise<readonly Row[]> {
  const answer = await client.query({ query, query_params: { ...params }, format: 'JSONEachRow' });
  return answer.json<Row>();
}

function text(row: Row, column: string): string {
  const value = row[column];
  if (typeof value !== 'string') throw new TypeError(`${column} holds no text`);
  return value;
}

function number(row: Row, column: string): number {
  const value = row[column];
  if (typeof value !== 'number') throw new TypeError(`${column} holds no number`);
  return value;
}
