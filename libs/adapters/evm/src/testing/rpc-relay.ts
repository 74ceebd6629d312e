import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One call as the node gets it, and one answer as the caller gets it. */
export interface WireCall {
  readonly id: number;
  readonly method: string;
  readonly params: readonly unknown[];
}
export interface WireAnswer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string };
}

/** What a relay does with a batch: it answers, with JSON, text or a status, or never. */
export type Behaviour = (
  calls: readonly WireCall[],
  forward: () => Promise<readonly WireAnswer[]>,
) => unknown;

/** Stands between a chain port and a node, for specs: answers as the node does until it is told otherwise. */
export interface RpcRelay {
  readonly url: string;
  /** Undefined is honest. Answering undefined is not answering; a number is a bare HTTP status. */
  behave(behaviour: Behaviour | undefined): void;
  stop(): Promise<void>;
}

/** @param nodeUrl where honest answers come from; without one, every behaviour must answer by itself. */
export async function startRelay(nodeUrl?: string): Promise<RpcRelay> {
  let behaviour: Behaviour = (_calls, forward) => forward();
  const server = createServer((request, response) => {
    void (async () => {
      const body = await textOf(request);
      const forward = () => forwarded(nodeUrl, body);
      write(response, await behaviour(JSON.parse(body) as readonly WireCall[], forward));
    })().catch((error: unknown) => response.destroy(error as Error));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    behave(next) {
      behaviour = next ?? ((_calls, forward) => forward());
    },
    stop: () => stopped(server),
  };
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const part of request) text += String(part);
  return text;
}

async function forwarded(nodeUrl: string | undefined, body: string) {
  if (nodeUrl === undefined) throw new Error('no node stands behind this relay');
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(nodeUrl, { method: 'POST', headers, body });
  return (await response.json()) as readonly WireAnswer[];
}

function write(response: ServerResponse, answer: unknown): void {
  if (answer === undefined) return;
  if (typeof answer === 'number') {
    response.writeHead(answer, { location: 'http://127.0.0.1:1/' }).end();
    return;
  }
  response.end(typeof answer === 'string' ? answer : JSON.stringify(answer));
}

async function stopped(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}
