import { once } from 'node:events';
import { createServer } from 'node:net';

/** `wanted` when nobody listens there, so that what is written in a guide works; otherwise 0, any free port. */
export async function freePort(wanted: number): Promise<number> {
  const server = createServer().listen(wanted, '127.0.0.1');
  try {
    await once(server, 'listening');
    return wanted;
  } catch {
    return 0;
  } finally {
    server.close();
  }
}
