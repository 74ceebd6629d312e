import type { ClickHouseClient, ClickHouseSettings } from '@clickhouse/client';
import { InvariantViolation } from '@countersign/kernel';
import { type SqlAnswer, SqlRefused } from '@countersign/ports';
import { DATABASE, type Engine, unavailable } from './engine.ts';
import { PUBLIC_TABLES, gated, wordsOf } from './sql-gate.ts';

export interface SqlLimits {
  /** How long an answer is waited for. */
  readonly answerMs: number;
}

/** Rows of one answer to a person's query. */
const ROWS_MAX = 10_000;
const TEXT_MAX = 20_000;
const SECONDS_MAX = 10;
/** Longer than the engine's own limit, which says better what was too much. */
export const SQL_LIMITS: SqlLimits = { answerMs: (SECONDS_MAX + 2) * 1_000 };
const SETTINGS: ClickHouseSettings = {
  max_execution_time: SECONDS_MAX,
  // Time and memory are looked at between blocks: small ones let it be done often.
  max_block_size: '1000',
  max_memory_usage: '1000000000',
  max_threads: 1,
  // One more than is given, so that it shows where rows are missing.
  max_result_rows: String(ROWS_MAX + 1),
  result_overflow_mode: 'break',
  max_result_bytes: '50000000',
  max_ast_elements: '5000',
  max_subquery_depth: '20',
  output_format_json_quote_64bit_integers: 1,
};

/**
 * What people ask in SQL, one query at a time. Nothing stops the engine within a block: one call of a function may take it
 * hours, and in this process it holds one of the few threads that files and sockets need, too. So the person gets an
 * answer in time, and nobody else asks until the engine has really come back.
 */
export class PersonsQueries {
  readonly #engine: Engine;
  readonly #functions: ReadonlySet<string>;
  readonly #limits: SqlLimits;
  #isBusy = false;

  /** @param functions that may be called, by lower-case name. */
  constructor(engine: Engine, functions: ReadonlySet<string>, limits: SqlLimits) {
    this.#engine = engine;
    this.#functions = functions;
    this.#limits = limits;
  }

  /** The engine works at a query, be it waited for or not. */
  get isBusy(): boolean {
    return this.#isBusy;
  }

  /**
   * @throws SqlRefused with the reason in words.
   * @throws Fault `event_store_unavailable` while the engine works at another query.
   */
  async answer(tenant: string, text: string): Promise<SqlAnswer> {
    if (text.length > TEXT_MAX) throw new SqlRefused(`at most ${TEXT_MAX} characters`);
    if (this.#isBusy) throw unavailable('another query in SQL is under way', undefined);
    this.#isBusy = true;
    const asked = this.#ask(tenant, text).finally(() => (this.#isBusy = false));
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => late.reject(new SqlRefused(`took longer than ${SECONDS_MAX} s`)),
      this.#limits.answerMs,
    );
    try {
      return await Promise.race([asked, late.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  async #ask(tenant: string, text: string): Promise<SqlAnswer> {
    const query = await gated(this.#engine.reader, text, this.#functions);
    const client = await this.#engine.guarded(SETTINGS, tenantFilters(tenant));
    try {
      return await answerOf(client, query);
    } finally {
      await client.close();
    }
  }
}

/** Every public table that has a tenant, read through its owner's eyes only; set by us, and unchangeable after. */
function tenantFilters(tenant: string): Readonly<Record<string, string>> {
  if (!/^[a-z0-9_-]{1,64}$/.test(tenant)) throw new InvariantViolation('not the name of a tenant');
  const tables = ['records', ...PUBLIC_TABLES.filter((it) => it !== 'cuts' && it !== 'events')];
  return Object.fromEntries(
    tables.map((table) => [`${DATABASE}.${table}`, `tenant = '${tenant}'`]),
  );
}

async function answerOf(client: ClickHouseClient, query: string): Promise<SqlAnswer> {
  try {
    const answer = await client.query({ query, format: 'JSONCompactEachRowWithNamesAndTypes' });
    const [names = [], types = [], ...rows] = await answer.json<unknown[]>();
    return {
      columns: names.map((name, index) => ({ name: String(name), type: String(types[index]) })),
      rows: rows.slice(0, ROWS_MAX),
      truncated: rows.length > ROWS_MAX,
    };
  } catch (error) {
    throw new SqlRefused(wordsOf(error));
  }
}
