import { Fault } from '@countersign/kernel';

export interface RpcCall {
  readonly method: string;
  readonly params: readonly unknown[];
}

/** The result of one call, which nobody has looked at yet; it throws {@link NodeRefusal} when there is none. */
export type RpcAnswer = () => unknown;

export interface Rpc {
  /**
   * Sends calls as one batch, in one round trip.
   *
   * @returns answers in the order of the calls.
   * @throws Fault `chain_unavailable` when not every call has one answer.
   */
  send(calls: readonly RpcCall[], signal: AbortSignal): Promise<readonly RpcAnswer[]>;
}

/** The node understood a call and answered with an error. */
export class NodeRefusal extends Fault {
  /** As JSON-RPC numbers them; 3 is a call that reverted. */
  readonly rpcCode: number;

  constructor(method: string, rpcCode: number, message: string) {
    super('chain_unavailable', `${method}: ${message.slice(0, MESSAGE_MAX)} (${rpcCode})`, {
      retryable: true,
    });
    this.rpcCode = rpcCode;
  }
}

const MESSAGE_MAX = 200;
const ANSWER_BYTES_MAX = 16 * 1024 * 1024;

/**
 * JSON-RPC over HTTP. viem's own batches match answers to calls by position, so one answer that a node leaves out
 * shifts all others; here every answer is matched by its id. No message names the URL, as it may hold a credential.
 */
export function httpRpc(rpcUrl: string): Rpc {
  const { url, headers } = endpointOf(rpcUrl);
  let nextId = 1;
  return {
    async send(calls, signal) {
      const firstId = nextId;
      nextId += calls.length;
      const batch = calls.map(({ method, params }, index) => ({
        jsonrpc: '2.0',
        id: firstId + index,
        method,
        params,
      }));
      const body = JSON.stringify(batch);
      // A redirect could lead a call with a credential, or a signed transaction, to somebody else.
      const init = { method: 'POST', headers, body, signal, redirect: 'error' } as const;
      const text = await textOf(() => fetch(url, init), signal);
      const answers = answersById(text);
      return calls.map(({ method }, index) => answerOf(method, answers.get(firstId + index)));
    },
  };
}

/** @throws Fault `rpc_url_unusable`, not retryable. */
function endpointOf(rpcUrl: string): { url: URL; headers: Readonly<Record<string, string>> } {
  const json = { 'content-type': 'application/json' };
  try {
    const url = new URL(rpcUrl);
    if (url.username === '') return { url, headers: json };
    const credential = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
    const authorization = `Basic ${Buffer.from(credential).toString('base64')}`;
    // fetch takes no URL with a credential in it.
    [url.username, url.password] = ['', ''];
    return { url, headers: { ...json, authorization } };
  } catch {
    throw new Fault('rpc_url_unusable', 'the RPC URL is none', { retryable: false });
  }
}

async function textOf(request: () => Promise<Response>, signal: AbortSignal): Promise<string> {
  try {
    const response = await request();
    const text = await cappedText(response);
    // Some nodes send errors of JSON-RPC with a status of their own; those say more than the status.
    if (response.ok || text.startsWith('[')) return text;
    throw unavailable(`the node answered with status ${response.status}`);
  } catch (error) {
    if (error instanceof Fault) throw error;
    throw unavailable(signal.aborted ? 'the node did not answer in time' : 'no answer', error);
  }
}

async function cappedText(response: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += part.byteLength;
    if (bytes > ANSWER_BYTES_MAX) throw unavailable('the answer is too large');
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

function answersById(text: string): ReadonlyMap<unknown, Readonly<Record<string, unknown>>> {
  let answers: unknown;
  try {
    answers = JSON.parse(text);
  } catch (error) {
    throw unavailable('the answer is no JSON', error);
  }
  if (!Array.isArray(answers)) throw unavailable('the node does not answer batches');
  const byId = new Map<unknown, Readonly<Record<string, unknown>>>();
  for (const answer of answers) {
    const record = recordOf(answer);
    if (byId.has(record['id'])) throw unavailable('two answers to one call');
    byId.set(record['id'], record);
  }
  return byId;
}

function answerOf(
  method: string,
  answer: Readonly<Record<string, unknown>> | undefined,
): RpcAnswer {
  if (!answer) throw unavailable(`no answer to ${method}`);
  const { error, result } = answer;
  return () => {
    if (error !== undefined && error !== null) {
      const { code, message } = recordOf(error);
      throw new NodeRefusal(method, typeof code === 'number' ? code : 0, String(message));
    }
    if (result === undefined) throw unavailable(`no result of ${method}`);
    return result;
  };
}

/** An object of JSON, or a fault. */
export function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw unavailable('the answer has another shape');
}

export function unavailable(message: string, cause?: unknown): Fault {
  return new Fault('chain_unavailable', message, { retryable: true, cause });
}
