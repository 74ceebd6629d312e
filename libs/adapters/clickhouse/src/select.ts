import type { ClickHouseClient } from '@clickhouse/client';

/** A row as our queries select it. Wide integers come as text. */
export interface Row {
  readonly [column: string]: string | number | readonly string[];
}

export function select(
  client: ClickHouseClient,
  query: string,
  params: Readonly<Record<string, unknown>>,
): Promise<readonly Row[]> {
  return rowsOf<Row>(client, query, params);
}

/** Rows whose columns the query itself fixes. */
export async function rowsOf<T>(
  client: ClickHouseClient,
  query: string,
  params: Readonly<Record<string, unknown>> = {},
): Promise<readonly T[]> {
  const answer = await client.query({ query, query_params: { ...params }, format: 'JSONEachRow' });
  return answer.json<T>();
}

export function text(row: Row, column: string): string {
  const value = row[column];
  if (typeof value !== 'string') throw new TypeError(`${column} holds no text`);
  return value;
}

export function number(row: Row, column: string): number {
  const value = row[column];
  if (typeof value !== 'number') throw new TypeError(`${column} holds no number`);
  return value;
}

export function list(row: Row, column: string): readonly string[] {
  const value = row[column];
  if (typeof value !== 'object') throw new TypeError(`${column} holds no list`);
  return value;
}
