import {
  type PaymentView,
  Problem,
  type ProposeBody,
  ROUTES,
  type Route,
  type RouteName,
} from '@countersign/contracts';
import { CountersignError } from './errors.ts';

type Routes = typeof ROUTES;
type InputOf<Schema> = Schema extends { _zod: { input: infer Input } } ? Input : never;
type OutputOf<Schema> = Schema extends { _zod: { output: infer Output } } ? Output : never;
type ParameterOf<Path> = Path extends `${string}:${infer Name}/${infer Rest}`
  ? Name | ParameterOf<`/${Rest}`>
  : Path extends `${string}:${infer Name}`
    ? Name
    : never;

/** What a route answers. */
export type AnswerOf<N extends RouteName> = OutputOf<Routes[N]['answer']>;

/** What a route is called with: exactly the parameters, query and body its schema asks for. */
export type CallOf<N extends RouteName> = {
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
  /** Instead of the client's own time-out. */
  readonly timeoutMs?: number;
} & ([ParameterOf<Routes[N]['path']>] extends [never]
  ? { readonly params?: never }
  : { readonly params: { readonly [P in ParameterOf<Routes[N]['path']>]: string } }) &
  (Routes[N] extends { body: infer Body }
    ? { readonly body: InputOf<Body> }
    : { readonly body?: never }) &
  (Routes[N] extends { query: infer Query }
    ? { readonly query?: InputOf<Query> }
    : { readonly query?: never });

type CallArguments<N extends RouteName> =
  Record<never, never> extends CallOf<N> ? [call?: CallOf<N>] : [call: CallOf<N>];

/** Where Countersign is and who calls. */
export interface ClientOptions {
  readonly baseUrl: string;
  /** The agent's or person's bearer credential. */
  readonly credential: string;
  readonly fetch?: typeof globalThis.fetch;
  /** How long to wait for an answer; 30 s when left out. Deciding and signing take Countersign at most 10 s. */
  readonly timeoutMs?: number;
}

/** How a payment is proposed. */
export interface ProposeOptions {
  /** Names the purchase; without it, its parts do. */
  readonly idempotencyKey?: string | undefined;
  /** How long to wait for people, at most 60 s per call. */
  readonly waitSeconds?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

interface LooseCall {
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number;
  readonly params?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly query?: Readonly<Record<string, unknown>>;
}

/**
 * A typed client of the Countersign API, made from its contract alone.
 *
 * @example
 * const client = new CountersignClient({ baseUrl: 'http://127.0.0.1:4020', credential });
 * const { payments } = await client.call('listPayments', { query: { status: 'awaiting_approval' } });
 */
export class CountersignClient {
  readonly #baseUrl: string;
  readonly #credential: string;
  readonly #fetch: typeof globalThis.fetch;
  readonly #timeoutMs: number;

  /** @throws TypeError when the address is no http(s) URL, or the credential cannot stand in a header. */
  constructor(options: ClientOptions) {
    const { protocol, origin, pathname } = new URL(options.baseUrl);
    if (protocol !== 'http:' && protocol !== 'https:')
      throw new TypeError(`not an http(s) address: ${options.baseUrl}`);
    if (!/^[\x21-\x7e]+$/.test(options.credential))
      throw new TypeError('a credential is one word of visible ASCII characters');
    this.#baseUrl = origin + pathname.replace(/\/$/, '');
    this.#credential = options.credential;
    this.#fetch = options.fetch ?? globalThis.fetch;
    this.#timeoutMs = options.timeoutMs ?? 30_000;
  }

  /**
   * Calls a route by its name.
   *
   * @throws CountersignError for every refusal, and with code `unavailable` where no answer came.
   */
  async call<N extends RouteName>(name: N, ...[call]: CallArguments<N>): Promise<AnswerOf<N>> {
    const route: Route = ROUTES[name];
    const response = await this.#send(route, call ?? {});
    const json = await readJson(response, call?.signal);
    if (!response.ok) throw refusalOf(response.status, json);
    const answer = route.answer.safeParse(json);
    if (!answer.success) {
      throw new CountersignError({
        code: 'unexpected_answer',
        status: response.status,
        retryable: false,
        detail: `The answer to ${name} does not follow this client's contract; their versions may differ.`,
        cause: answer.error,
      });
    }
    return answer.data as AnswerOf<N>;
  }

  /** Proposes a payment or continues the one this purchase already is; claims it when people cleared it. */
  propose(body: ProposeBody, options: ProposeOptions = {}): Promise<PaymentView> {
    const { idempotencyKey, waitSeconds = 0, signal } = options;
    return this.call('proposePayment', {
      body,
      signal,
      timeoutMs: this.#timeoutMs + waitSeconds * 1000,
      headers: {
        ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }),
        ...(waitSeconds > 0 && { prefer: `wait=${Math.ceil(waitSeconds)}` }),
      },
    });
  }

  /** Says that what was paid for arrived; only then is the same purchase made again. */
  reportDelivery(
    id: string,
    delivery: CallOf<'reportDelivery'>['body'],
  ): Promise<AnswerOf<'reportDelivery'>> {
    return this.call('reportDelivery', { params: { id }, body: delivery });
  }

  /** One payment as it stands. */
  readPayment(id: string): Promise<PaymentView> {
    return this.call('readPayment', { params: { id } });
  }

  async #send(route: Route, call: LooseCall): Promise<Response> {
    const timeout = AbortSignal.timeout(call.timeoutMs ?? this.#timeoutMs);
    const url = this.#baseUrl + pathOf(route, call);
    const { body } = call;
    try {
      return await this.#fetch(url, {
        method: route.method,
        // A redirect would carry the credential to somewhere nobody configured.
        redirect: 'error',
        signal: call.signal ? AbortSignal.any([call.signal, timeout]) : timeout,
        headers: {
          accept: 'application/json',
          ...call.headers,
          authorization: `Bearer ${this.#credential}`,
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
    } catch (cause) {
      call.signal?.throwIfAborted();
      throw unavailable(
        `Countersign at ${this.#baseUrl} does not answer: ${reasonOf(cause)}.`,
        cause,
      );
    }
  }
}

function pathOf(route: Route, call: LooseCall): string {
  const path = route.path.replaceAll(/:([a-z]+)/g, (_, name: string) => {
    const value = call.params?.[name];
    // An empty segment or a dot would call another route than the one named.
    if (value === undefined || /^\.{0,2}$/.test(value))
      throw new TypeError(`"${name}" of ${route.path} is missing`);
    return encodeURIComponent(value);
  });
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(call.query ?? {})) {
    if (value !== undefined) query.set(name, `${value as string | number}`);
  }
  return query.size === 0 ? path : `${path}?${query.toString()}`;
}

async function readJson(response: Response, signal: AbortSignal | undefined): Promise<unknown> {
  let text: string;
  try {
    text = await response.text();
  } catch (cause) {
    signal?.throwIfAborted();
    throw unavailable(`The answer of Countersign broke off: ${reasonOf(cause)}.`, cause);
  }
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function refusalOf(status: number, json: unknown): CountersignError {
  const problem = Problem.safeParse(json);
  if (problem.success) return new CountersignError({ ...problem.data, status });
  // Not our server's words: a proxy between us, or something else listening there.
  const mayPass = status >= 500 || status === 429;
  return new CountersignError({
    code: mayPass ? 'unavailable' : 'unexpected_answer',
    status,
    retryable: mayPass,
    detail: `Something that is not Countersign answered with status ${status}.`,
  });
}

function unavailable(what: string, cause: unknown): CountersignError {
  const isTimeOut = cause instanceof Error && cause.name === 'TimeoutError';
  return new CountersignError({
    code: 'unavailable',
    status: null,
    retryable: true,
    // What was sent is under way all the same: whoever froze something must not take it for not frozen.
    detail: isTimeOut ? `${what} It may have been carried out: look, or repeat it.` : what,
    cause,
  });
}

/** fetch hides what happened in the cause of "fetch failed". */
function reasonOf(error: unknown): string {
  const inner = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (!(inner instanceof Error)) return String(inner);
  const code = 'code' in inner && typeof inner.code === 'string' ? inner.code : '';
  return inner.message || code || inner.name;
}
