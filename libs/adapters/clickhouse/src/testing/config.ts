/** Where a ClickHouse server for tests is; without one they run on the engine in process. */
export function serverUrl(): string | undefined {
  return process.env['CLICKHOUSE_URL'] || undefined;
}
