import { once } from 'node:events';
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';

/** A paid request as a {@link ScriptedSeller} got it. */
export interface Presented {
  readonly method: string;
  readonly url: string;
  readonly body: string;
  /** The decoded payment, or undefined for a request that carries none. */
  readonly payment: PresentedPayment | undefined;
}

/** The payment header, decoded. */
export interface PresentedPayment {
  readonly x402Version: number;
  readonly accepted?: { readonly amount: string };
  readonly network?: string;
  readonly payload: {
    readonly signature: string;
    readonly authorization: Readonly<Record<string, string>>;
  };
}

/** What a seller answers: a status with headers and a body, `drop` to cut the connection, or `silence`. */
export type SellerAnswer =
  | {
      readonly status: number;
      readonly headers?: Record<string, string>;
      readonly body?: string;
      /** More of the body never comes. */
      readonly unfinished?: boolean;
    }
  | 'drop'
  | 'silence';

/** A seller on 127.0.0.1 that answers by a script and believes every payment. */
export interface ScriptedSeller extends AsyncDisposable {
  readonly url: string;
  readonly requests: readonly Presented[];
  /** The requests that carried a payment. */
  presented(): readonly Presented[];
  /** How many answers are under way. */
  answering(): number;
}

/** Starts one on a free port. */
export async function startScriptedSeller(
  answer: (request: Presented) => SellerAnswer,
): Promise<ScriptedSeller> {
  const requests: Presented[] = [];
  let answering = 0;
  const server = createServer((request, response) => void serve(request, response));
  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of request) chunks.push(chunk as Uint8Array);
    const header = request.headers['payment-signature'] ?? request.headers['x-payment'];
    const presented: Presented = {
      method: request.method ?? '',
      url: request.url ?? '',
      body: Buffer.concat(chunks).toString(),
      payment: header === undefined ? undefined : (fromBase64(String(header)) as PresentedPayment),
    };
    requests.push(presented);
    answering += 1;
    response.on('close', () => (answering -= 1));
    const reply = answer(presented);
    if (reply === 'drop') request.socket.destroy();
    if (typeof reply === 'string') return;
    response.writeHead(reply.status, reply.headers ?? {});
    if (reply.unfinished) response.write(reply.body ?? '');
    else response.end(reply.body ?? '');
  }
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    requests,
    presented: () => requests.filter(({ payment }) => payment !== undefined),
    answering: () => answering,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

/** One offer of scheme `exact` in the sandbox token. */
export function offer(change: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    scheme: 'exact',
    network: 'eip155:84532',
    asset: '0x036CbD53842c5426634e7929541eC2318f3dCF7e',
    amount: '20000',
    payTo: '0x1111111111111111111111111111111111111111',
    maxTimeoutSeconds: 60,
    extra: { name: 'USDC', version: '2' },
    ...change,
  };
}

/** The answer with which version 2 of x402 asks for one of `accepts`. */
export function asking(url: string, accepts: readonly unknown[] = [offer()]): SellerAnswer {
  const required = { x402Version: 2, error: 'pay', resource: { url }, accepts };
  const text = Buffer.from(JSON.stringify(required)).toString('base64');
  return { status: 402, headers: { 'payment-required': text }, body: '{}' };
}

/** A paid answer of status 200. */
export function sold(body = '{"report":"sold"}'): SellerAnswer {
  const receipt = { success: true, transaction: '0xabc', network: 'eip155:84532' };
  const text = Buffer.from(JSON.stringify(receipt)).toString('base64');
  return { status: 200, headers: { 'payment-response': text }, body };
}

function fromBase64(text: string): unknown {
  return JSON.parse(Buffer.from(text, 'base64').toString());
}
