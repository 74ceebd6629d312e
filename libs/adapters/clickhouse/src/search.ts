import type { ClickHouseClient } from '@clickhouse/client';
import type { EventPage, EventQuery, Leaf, PaymentColumns } from '@countersign/ports';
import { EVENT_COLUMNS, PAYMENT_COLUMNS, eventOf, paymentColumnsOf } from './found.ts';
import { asBytes } from './rows.ts';
import { number, select, text } from './select.ts';
import { INDEXES_FIRST, SMALL, pageByWords, textsOf, withWords } from './words.ts';

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

/**
 * One page, newest first. The leaf is the cursor: no record ever comes in before one that was shown.
 *
 * @param size so many records the store has at least.
 */
export async function search(
  client: ClickHouseClient,
  query: EventQuery,
  size: number,
): Promise<EventPage> {
  const page = (await pageByWords(client, query)) ?? (await pageOfNewest(client, query, size));
  if (page) return page;
  const hits = query.text === undefined ? undefined : await hitsOf(client, query, query.text);
  if (hits?.count === 0) return { events: [], next: null };
  const places = await placesOf(client, query);
  const isLookup = hits?.few !== undefined || places.length > 0;
  const conditions = conditionsOf(query, places, hits);
  const found = await pageOf(client, query, conditions, isLookup ? INDEXES_FIRST : '');
  return { ...found, next: found.next ?? hits?.oldest ?? null };
}

async function pageOf(
  client: ClickHouseClient,
  query: EventQuery,
  { conditions, params }: ReturnType<typeof conditionsOf>,
  settings: string,
): Promise<EventPage> {
  const rows = await select(
    client,
    `SELECT ${EVENT_COLUMNS} FROM records WHERE ${conditions.join(' AND ')}
     ORDER BY records.leaf DESC LIMIT {count:UInt32} ${settings && `SETTINGS ${settings}`}`,
    { ...params, count: query.limit + 1 },
  );
  const found = rows.slice(0, query.limit);
  const texts = await textsOf(client, query.tenant, found);
  const events = found.map((row) => eventOf(row, texts.get(number(row, 'leaf_number')) ?? {}));
  const last = events.at(-1);
  return { events, next: rows.length > query.limit && last ? last.leaf : null };
}

/** Among so many for each record of a page, a tenant's newest are looked for first. */
const NEAR = 20;
/** What a query for a tenant's newest has, whatever they are. */
const OF_NEWEST: ReadonlySet<string> = new Set(['tenant', 'limit', 'before']);

/** A page of the newest, where they stand near: the parts of the table that are older are not looked at. */
async function pageOfNewest(
  client: ClickHouseClient,
  query: EventQuery,
  size: number,
): Promise<EventPage | undefined> {
  const near = (query.before ?? size) - query.limit * NEAR;
  const isNewest = Object.entries(query).every(
    ([name, value]) => value === undefined || OF_NEWEST.has(name),
  );
  if (!isNewest || near <= 0) return;
  const { conditions, params } = conditionsOf(query, [], undefined);
  const condition = 'records.leaf >= {near:UInt64}';
  const among = { conditions: [...conditions, condition], params: { ...params, near } };
  const page = await pageOf(client, query, among, SMALL);
  return page.next === null ? undefined : page;
}

const EQUALS = [
  ['agent', 'agent', 'String'],
  ['task', 'task', 'String'],
  ['session', 'session', 'String'],
  ['seller', 'seller', 'String'],
  ['event', 'event', 'String'],
  ['outcome', 'outcome', 'String'],
  ['policyVersion', 'policy_version', 'UInt32'],
  ['auditDepth', 'audit_depth', 'String'],
  ['auditProfile', 'audit_profile', 'String'],
] as const;

/** Columns that stand on one record of a payment and find all of them; on a record of no payment they find that one. */
const OF_PAYMENT = [
  ['txHash', 'tx_hash'],
  ['nonce', 'nonce'],
] as const;

/** One condition on where a record came from: any of these holds. */
interface Place {
  readonly column: (typeof OF_PAYMENT)[number][1] | undefined;
  readonly value: string;
  /** A record is one of theirs, or names one. */
  readonly payments: readonly string[];
}

async function placesOf(client: ClickHouseClient, query: EventQuery): Promise<readonly Place[]> {
  const { tenant, paymentId } = query;
  const places: Place[] = [];
  if (paymentId !== undefined) places.push({ column: undefined, value: '', payments: [paymentId] });
  for (const [name, column] of OF_PAYMENT) {
    const value = query[name]?.toLowerCase();
    if (value === undefined) continue;
    const rows = await select(
      client,
      `SELECT DISTINCT payment_id FROM records
       WHERE ${column} = {value:String} AND payment_id != '' AND tenant = {tenant:String} SETTINGS ${SMALL}`,
      { tenant, value },
    );
    places.push({ column, value, payments: rows.map((row) => text(row, 'payment_id')) });
  }
  return places;
}

function placeCondition({ column, payments }: Place, name: string): string {
  const list = `{${name}_payments:Array(String)}`;
  const ways = payments.length > 0 ? [`payment_id IN ${list}`, `hasAny(payments, ${list})`] : [];
  if (column !== undefined) ways.push(`${column} = {${name}_value:String}`);
  return `(${ways.join(' OR ')})`;
}

/** How many of the newest hits of a word the other conditions are tried on. */
const TEXT_HITS_MAX = 10_000;
/** So few hits are looked up one by one. */
const FEW_HITS = 1_000;

/** Texts with the words of a query, the newest of them. */
interface Hits {
  readonly count: number;
  /** The oldest leaf that is tried for this page; undefined where each of them is. */
  readonly oldest: number | undefined;
  /** Where each stands, as the records are sorted; undefined for many. */
  readonly few: Readonly<Record<'agents' | 'leaves', unknown>> | undefined;
}

async function hitsOf(client: ClickHouseClient, query: EventQuery, words: string): Promise<Hits> {
  const { tenant, before } = query;
  const [row] = await select(
    client,
    `SELECT toFloat64(count()) AS hits, toFloat64(min(leaf)) AS last, groupUniqArray(${FEW_HITS})(agent) AS agents,
       groupArray(${FEW_HITS})(toFloat64(leaf)) AS leaves
     FROM (SELECT leaf, agent ${withWords(query)} ORDER BY leaf DESC LIMIT ${TEXT_HITS_MAX + 1}) SETTINGS ${SMALL}`,
    { tenant, text: words, before },
  );
  const count = row ? number(row, 'hits') : 0;
  const isTooMany = count > TEXT_HITS_MAX;
  return {
    count,
    oldest: row && isTooMany ? number(row, 'last') + 1 : undefined,
    few:
      count <= FEW_HITS
        ? { agents: row?.['agents'] ?? [], leaves: row?.['leaves'] ?? [] }
        : undefined,
  };
}

function conditionsOf(query: EventQuery, places: readonly Place[], hits: Hits | undefined) {
  const conditions = ['tenant = {tenant:String}'];
  const params: Record<string, unknown> = { tenant: query.tenant };
  const add = (condition: string, name: string, value: unknown) => {
    conditions.push(condition);
    params[name] = value;
  };
  for (const [name, column, type] of EQUALS)
    if (query[name] !== undefined) add(`${column} = {${name}:${type}}`, name, query[name]);
  for (const [index, place] of places.entries()) {
    const name = `place${index}`;
    add(placeCondition(place, name), `${name}_payments`, place.payments);
    params[`${name}_value`] = place.value;
  }
  if (query.fromMs !== undefined)
    add('at >= fromUnixTimestamp64Milli({fromMs:Int64})', 'fromMs', query.fromMs);
  if (query.toMs !== undefined)
    add('at < fromUnixTimestamp64Milli({toMs:Int64})', 'toMs', query.toMs);
  if (query.before !== undefined) add('records.leaf < {before:UInt64}', 'before', query.before);
  if (hits?.few) {
    // In the order of the table's key, so that it reads what it shows, and nothing else.
    add('agent IN {agents:Array(String)}', 'agents', hits.few.agents);
    add('records.leaf IN {leaves:Array(UInt64)}', 'leaves', hits.few.leaves);
  } else if (query.text !== undefined) {
    const tried = hits?.oldest === undefined ? '' : 'AND leaf >= {oldest:UInt64}';
    params['oldest'] = hits?.oldest;
    add(`records.leaf IN (SELECT leaf ${withWords(query)} ${tried})`, 'text', query.text);
  }
  return { conditions, params };
}
