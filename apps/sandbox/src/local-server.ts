import { once } from 'node:events';
import { type RequestListener, createServer } from 'node:http';
import { invariant } from '@countersign/kernel';
import type { ErrorRequestHandler } from 'express';

/** An HTTP server on 127.0.0.1. */
export interface LocalServer {
  readonly url: string;
  /** Refuses new requests, cuts the ones under way and waits until the port is free. */
  readonly stop: () => Promise<void>;
}

/** Serves `app` on `port`, or on a free one for 0. */
export async function serveLocally(app: RequestListener, port: number): Promise<LocalServer> {
  const server = createServer(app);
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  invariant(address !== null && typeof address === 'object', 'the server has no address');
  const closed = once(server, 'close');
  return {
    url: `http://127.0.0.1:${address.port}`,
    async stop() {
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Last in an app: tells the caller in one line what express would print as a stack trace, there and here. */

export const answerError: ErrorRequestHandler = (error: unknown, _request, response, next) => {
  if (response.headersSent) {
    next(error);
    return;
  }
  const message = error instanceof Error ? error.message : String(error);
  response.status(statusOf(error)).json({ error: message });
};

function statusOf(error: unknown): number {
  if (typeof error !== 'object' || error === null || !('status' in error)) return 500;
  return typeof error.status === 'number' ? error.status : 500;
}
