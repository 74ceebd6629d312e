import { Connection, type ConnectionOptions } from './connection.ts';

/**
 * Asks a server, before anything relies on it, whether it keeps whatever it is given.
 *
 * @throws Fault `budgets_unavailable` when it does not answer, `budgets_unsafe` when it may evict.
 */
export async function checkRedis(options: ConnectionOptions): Promise<void> {
  const connection = new Connection(options);
  try {
    await connection.ready();
    await connection.recheck();
  } finally {
    connection.close();
  }
}
