import type { ClickHouseClient, ClickHouseSettings } from '@clickhouse/client';
import { InvariantViolation } from '@countersign/kernel';
import { type SqlAnswer, SqlRefused } from '@countersign/ports';
import { DATABASE, type Engine, unavailable } from './engine.ts';
import { PUBLIC_TABLES, gated, wordsOf } from './sql-gate.ts';

export interface SqlLimits {
  /** How long an answer is waited for. */
  readonly answerMs: number;
  /** Size of an answer's rows as JSON. */
  readonly answerBytes: number;
}

/** Rows of one answer to a person's query. */
const ROWS_MAX = 10_000;
const TEXT_MAX = 20_000;
const SECONDS_MAX = 10;
const LIMITS: SqlLimits = {
  // Longer than the engine's own limit, which says better what was too much.
  answerMs: (SECONDS_MAX + 2) * 1_000,
  answerBytes: 50_000_000,
};
const SETTINGS: ClickHouseSettings = {
  max_execution_time: SECONDS_MAX,
  // Time and memory are looked at between blocks: small ones let it be done often.
  max_block_size: '1000',
  max_memory_usage: '1000000000',
  max_threads: 1,
  // Stopped and not cut: an answer that lacks rows must say so.
  result_overflow_mode: 'throw',
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
  constructor(engine: Engine, functions: ReadonlySet<string>, limits: Partial<SqlLimits>) {
    this.#engine = engine;
    this.#functions = functions;
    this.#limits = { ...LIMITS, ...limits };
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
    const { answerBytes } = this.#limits;
    const settings = { ...SETTINGS, max_result_bytes: String(answerBytes) };
    const client = await this.#engine.guarded(settings, tenantFilters(tenant));
    try {
      return await answerOf(client, query);
    } catch (error) {
      if (!isTooLong(error)) throw new SqlRefused(wordsOf(error));
      const most = `${answerBytes / 1_000_000} MB`;
      throw new SqlRefused(`the answer has more than ${most}; ask for fewer rows or columns`);
    } finally {
      await client.close();
    }
  }
}

/** Every public table that has a tenant, read through its owner's eyes only; set by us, and unchangeable after. */
function tenantFilters(tenant: string): Readonly<Record<string, string>> {
  if (!/^[a-z0-9_-]{1,64}$/.test(tenant)) throw new InvariantViolation('not the name of a tenant');
  const tables = ['records', ...PUBLIC_TABLES.filter((it) => it !== 'cuts')];
  return Object.fromEntries(
    tables.map((table) => [`${DATABASE}.${table}`, `tenant = '${tenant}'`]),
  );
}

/** Gives a column's name and type in the head of an answer, and next to nothing in its rows. */
const HEADED = 'defaultValueOfArgumentType';

/**
 * Each row as one text of JSON, so that the engine counts what it will send: of a column that says the same in every row it
 * counts one value, and sends them all. The 0 differs from a constant to the engine, so that this text is none.
 */
function asText(query: string): string {
  const columns = `* APPLY(${HEADED})`;
  return `SELECT formatRowNoNewline('JSONCompactEachRow', materialize(0), *, ${columns}), ${columns}
    FROM (${query}) LIMIT ${ROWS_MAX + 1}`;
}

async function answerOf(client: ClickHouseClient, query: string): Promise<SqlAnswer> {
  const format = 'JSONCompactEachRowWithNamesAndTypes';
  const answer = await client.query({ query: asText(query), format });
  const [names = [], types = [], ...rows] = await answer.json<unknown[]>();
  const columns = names.slice(1).map((name, index) => ({
    name: String(name).slice(HEADED.length + 1, -1),
    type: String(types[index + 1]),
  }));
  return {
    columns,
    rows: rows.slice(0, ROWS_MAX).map(([text]) => rowOf(String(text), columns.length)),
    truncated: rows.length > ROWS_MAX,
  };
}

function rowOf(text: string, columns: number): readonly unknown[] {
  return (JSON.parse(text) as unknown[]).slice(1, columns + 1);
}

function isTooLong(error: unknown): boolean {
  return error instanceof Error && 'type' in error && error.type === 'TOO_MANY_ROWS_OR_BYTES';
}
