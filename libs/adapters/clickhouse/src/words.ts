import type { ClickHouseClient } from '@clickhouse/client';
import type { EventPage, EventQuery, FoundEvent } from '@countersign/ports';
import { eventOf } from './found.ts';
import { type Row, number, select, text } from './select.ts';

/** For what stands in few places: asking an index again at each of them costs more than it saves. */
export const INDEXES_FIRST = 'use_skip_indexes_on_data_read = 0';
/** For so little that a second thread would be started for nothing. */
export const SMALL = `${INDEXES_FIRST}, max_threads = 1`;

/** Form of what is shown beside a text: what is in another, or in none, is looked up among the records. */
const FORM = 1;

/** How a record is shown that has so many free texts, as its row beside each of them says. */
export function shownAs(row: Row, texts: number): string {
  return JSON.stringify({ ...row, form: FORM, texts });
}

function shownIn(row: Row): Row | undefined {
  const shown = text(row, 'shown');
  const parsed = shown === '' ? undefined : (JSON.parse(shown) as Row);
  return parsed?.['form'] === FORM ? parsed : undefined;
}

/** Conditions that `openings` can tell by itself. */
const BESIDE_WORDS = [
  ['agent', 'agent = {agent:String}'],
  ['event', 'event = {event:String}'],
  ['fromMs', 'at >= fromUnixTimestamp64Milli({fromMs:Int64})'],
  ['toMs', 'at < fromUnixTimestamp64Milli({toMs:Int64})'],
] as const;
/** Those it cannot. */
const OF_RECORDS = [
  ...(['paymentId', 'txHash', 'nonce', 'task', 'session', 'seller', 'outcome'] as const),
  ...(['policyVersion', 'auditDepth', 'auditProfile'] as const),
] as const;

/** Of the records with the words of the query, older than the page before. In lower case as the index of words is. */
export const withWords = ({ before }: EventQuery) => `FROM openings
  WHERE tenant = {tenant:String} AND hasAllTokens(value, lowerUTF8({text:String})) ${before === undefined ? '' : 'AND leaf < {before:UInt64}'}`;

/**
 * The page of a search by words, from the free text alone: planning a second query of forty columns takes the engine longer
 * than answering the first. Undefined where the records themselves are needed.
 */
export async function pageByWords(
  client: ClickHouseClient,
  query: EventQuery,
): Promise<EventPage | undefined> {
  if (query.text === undefined || OF_RECORDS.some((name) => query[name] !== undefined)) return;
  const asked = BESIDE_WORDS.filter(([name]) => query[name] !== undefined);
  const rows = await select(
    client,
    `SELECT toFloat64(leaf) AS leaf_number, field, value, shown ${withWords(query)}
       ${asked.map(([, condition]) => `AND ${condition}`).join(' ')}
     ORDER BY leaf DESC LIMIT 1 BY leaf LIMIT {count:UInt32} SETTINGS ${SMALL}`,
    { ...query, count: query.limit + 1 },
  );
  const found = rows.slice(0, query.limit);
  const shown = found.map(shownIn);
  if (!shown.every((it) => it !== undefined)) return;
  const texts = await textsOf(
    client,
    query.tenant,
    shown.filter((it) => number(it, 'texts') > 1),
  );
  const events = shown.map((it, index) => {
    const [leaf, row] = [number(it, 'leaf_number'), found[index]];
    return eventOf(
      it,
      texts.get(leaf) ?? (row ? { [text(row, 'field')]: text(row, 'value') } : {}),
    );
  });
  const last = events.at(-1);
  return { events, next: rows.length > query.limit && last ? last.leaf : null };
}

/** Free text by record and field. */
export async function textsOf(
  client: ClickHouseClient,
  tenant: string,
  rows: readonly Row[],
): Promise<ReadonlyMap<number, FoundEvent['texts']>> {
  const texts = new Map<number, FoundEvent['texts']>();
  if (rows.length === 0) return texts;
  const found = await select(
    client,
    `SELECT toFloat64(leaf) AS leaf_number, field, value FROM openings
     WHERE tenant = {tenant:String} AND leaf IN {leaves:Array(UInt64)} SETTINGS ${SMALL}`,
    { tenant, leaves: rows.map((row) => number(row, 'leaf_number')) },
  );
  for (const row of found) {
    const leaf = number(row, 'leaf_number');
    texts.set(leaf, { ...texts.get(leaf), [text(row, 'field')]: text(row, 'value') });
  }
  return texts;
}
