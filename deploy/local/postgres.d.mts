import type { LocalServer } from './server.mjs';

export interface PostgresServer extends LocalServer {
  /** Runs SQL, and gives what it printed. */
  run(sql: string): Promise<string>;
  /** Runs pgbench with these arguments, and gives what it printed. */
  bench(args: readonly string[]): Promise<string>;
}

/** @throws MissingServer where the system has none. */
export function startPostgres(): Promise<PostgresServer>;
