import { once } from 'node:events';
import {
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
  createServer,
} from 'node:http';
import {
  CODES,
  type Problem,
  ROUTES,
  type RefusalCode,
  type Route,
  type RouteName,
} from '@countersign/contracts';
import type { AnswerOf, CallOf } from '../client.ts';

/** A request that passed the schema of its route. */
export interface Received<N extends RouteName> {
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, unknown>>;
  readonly body: CallOf<N>['body'];
  readonly headers: IncomingHttpHeaders;
  readonly credential: string;
}

/** What a handler throws to be answered as a problem. */
export class Refusal extends Error {
  readonly code: RefusalCode;
  readonly paymentId: string | undefined;

  constructor(code: RefusalCode, details: { detail?: string; paymentId?: string } = {}) {
    super(details.detail ?? CODES[code].title);
    this.code = code;
    this.paymentId = details.paymentId;
  }
}

/** What each route answers. A route that is called and not here is answered with status 500. */
export type Handlers = {
  [N in RouteName]?: (received: Received<N>) => AnswerOf<N> | Promise<AnswerOf<N>>;
};

/** A server on 127.0.0.1 that speaks the API by its contract: what does not fit a schema is refused, both ways. */
export interface ContractServer extends AsyncDisposable {
  readonly url: string;
  /** Every request that passed, oldest first. */
  readonly received: readonly { readonly route: RouteName; readonly body: unknown }[];
}

/** Starts a {@link ContractServer} on a free port. */
export async function startContractServer(handlers: Handlers): Promise<ContractServer> {
  const received: { route: RouteName; body: unknown }[] = [];
  const server = createServer((request, response) => {
    void answer(handlers, request, (route, body) => received.push({ route, body })).then(
      (json) => send(response, 200, json),
      (error: unknown) => {
        const problem = problemOf(error);
        send(response, problem.status, problem);
      },
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    received,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

async function answer(
  handlers: Handlers,
  request: IncomingMessage,
  note: (route: RouteName, body: unknown) => void,
): Promise<unknown> {
  const url = new URL(request.url ?? '/', 'http://host');
  const found = routeOf(request.method ?? '', url.pathname);
  if (!found) throw new Refusal('not_found');
  const { name, params } = found;
  const route: Route = ROUTES[name];
  const credential = /^Bearer (\S+)$/.exec(request.headers.authorization ?? '')?.[1];
  if (credential === undefined) throw new Refusal('unauthenticated');
  const text = await bodyOf(request);
  const body = fitting(route.body, text === '' ? undefined : JSON.parse(text));
  const query = fitting(route.query, Object.fromEntries(url.searchParams)) ?? {};
  note(name, body);
  const handler = handlers[name] as ((received: unknown) => unknown) | undefined;
  if (!handler) throw new Error(`${name} was called and nothing was programmed`);
  const json = await handler({ params, query, body, headers: request.headers, credential });
  return route.answer.parse(json);
}

function routeOf(method: string, path: string) {
  for (const [name, route] of Object.entries<Route>(ROUTES)) {
    const pattern = route.path.replaceAll(/:([a-z]+)/g, '(?<$1>[^/]+)');
    const match = route.method === method ? new RegExp(`^${pattern}$`).exec(path) : null;
    if (!match) continue;
    const params = Object.entries(match.groups ?? {});
    return {
      name: name as RouteName,
      params: Object.fromEntries(params.map(([key, value]) => [key, decodeURIComponent(value)])),
    };
  }
  return undefined;
}

function fitting(schema: Route['body'], value: unknown): unknown {
  if (!schema) {
    if (value !== undefined && Object.keys(value as object).length > 0)
      throw new Refusal('invalid_request', { detail: 'nothing is expected here' });
    return undefined;
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new Refusal('invalid_request', { detail: parsed.error.message.slice(0, 2_000) });
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of request) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks).toString();
}

function problemOf(error: unknown): Problem {
  const code = error instanceof Refusal ? error.code : 'internal';
  const { status, title, retryable } = CODES[code];
  return {
    type: `https://countersign.dev/problems/${code}`,
    title,
    status,
    detail: error instanceof Error ? error.message : String(error),
    code,
    retryable,
    ...(error instanceof Refusal &&
      error.paymentId !== undefined && { paymentId: error.paymentId }),
  };
}

function send(response: ServerResponse, status: number, json: unknown): void {
  const type = status < 400 ? 'application/json' : 'application/problem+json';
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' });
  response.end(JSON.stringify(json));
}
