import { once } from 'node:events';
import { type IncomingMessage, type ServerResponse, createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { ROUTES } from '@countersign/contracts';

export type Served = (typeof ROUTES)[keyof typeof ROUTES]['service'];

/** One base URL before several services, as an ingress is in a cluster: by path alone. */
export interface Ingress extends AsyncDisposable {
  readonly url: string;
}

const PATHS = Object.values(ROUTES).map(({ path, service }) => ({
  pattern: new RegExp(`^${path.replaceAll(/:[a-z]+/gi, '[^/]+')}$`),
  isExact: !path.includes(':'),
  service,
}));

/** Which service answers a path; the pages and documents that are no routes of the API have their place too. */
export function serviceFor(path: string): Served {
  if (path === '/' || path.startsWith('/approve')) return 'approval';
  const fitting = PATHS.filter(({ pattern }) => pattern.test(path));
  return (fitting.find(({ isExact }) => isExact) ?? fitting[0])?.service ?? 'intake';
}

/**
 * @param port 0 takes a free one.
 * @param urlOf where a service listens now; undefined while it does not.
 */
export async function startIngress(
  port: number,
  urlOf: (service: Served) => string | undefined,
): Promise<Ingress> {
  const server = createServer((incoming, outgoing) => pass(incoming, outgoing, urlOf));
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${address.port}`,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

function pass(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  urlOf: (service: Served) => string | undefined,
): void {
  const path = incoming.url ?? '/';
  const base = urlOf(serviceFor(path.split('?', 1)[0] ?? path));
  if (base === undefined) return unavailable(outgoing);
  const { method, headers } = incoming;
  // A connection for each request: one that was kept may be of a service that has been killed since.
  const upstream = request(`${base}${path}`, { method: method ?? 'GET', headers, agent: false });
  upstream.once('response', (answer) => {
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
    pipeline(answer, outgoing).catch(() => outgoing.destroy());
  });
  upstream.once('error', () => (outgoing.headersSent ? outgoing.destroy() : unavailable(outgoing)));
  pipeline(incoming, upstream).catch(() => upstream.destroy());
}

function unavailable(outgoing: ServerResponse): void {
  const problem = {
    type: 'https://countersign.dev/problems/unavailable',
    title: 'A part we depend on does not answer',
    status: 503,
    code: 'unavailable',
    retryable: true,
  };
  outgoing.writeHead(503, { 'content-type': 'application/problem+json', 'retry-after': '1' });
  outgoing.end(JSON.stringify(problem));
}
