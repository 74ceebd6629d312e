import { Fault } from '@countersign/kernel';
import pLimit from 'p-limit';
import { z } from 'zod';
import { type VaultAuth, loginRequest } from './auth.ts';

export interface VaultOptions {
  /** Such as `https://vault.internal:8200`. */
  readonly address: string;
  readonly auth: VaultAuth;
  readonly namespace?: string;
  /** Of one request; 5,000 when left out. */
  readonly timeoutMs?: number;
  /** Requests under way at a time; 8 when left out. More of them raise the tail's latency, not the rate. */
  readonly concurrency?: number;
  /** What leases are measured by; never goes back. The process's own when left out. */
  readonly monotonicMs?: () => number;
}

interface Token {
  readonly text: string;
  /** By the monotonic clock. */
  readonly renewAtMs: number;
  readonly expiresAtMs: number;
  readonly isRenewable: boolean;
}

const Login = z.object({
  auth: z.object({
    client_token: z.string(),
    lease_duration: z.number(),
    renewable: z.boolean(),
  }),
});
const Errors = z.object({ errors: z.array(z.string()) });

const TIMEOUT_MS = 5_000;
const CONCURRENCY = 8;
/** Of the lease, after which it is renewed, at the next request. */
const RENEW_AFTER = 2 / 3;

/** What Vault answered: a status below 500 and the bytes, which may hold a secret and can be wiped by whoever asked. */
export interface VaultAnswer {
  readonly status: number;
  readonly body: Uint8Array;
}

/**
 * Vault's HTTP API under one identity: logs in when needed, renews the token while it is used, and logs in again when it
 * was revoked. Also OpenBao's, which is the same.
 */
export class Vault {
  readonly #options: VaultOptions;
  readonly #limit: ReturnType<typeof pLimit>;
  #token: Token | undefined;
  #login: Promise<Token> | undefined;
  #isClosed = false;

  constructor(options: VaultOptions) {
    this.#options = options;
    this.#limit = pLimit(options.concurrency ?? CONCURRENCY);
  }

  /**
   * @param path below `/v1/`.
   * @throws Fault `keys_unavailable`, retryable, when Vault is unreachable, sealed or in trouble; `keys_forbidden`, not
   *   retryable, when the identity may not.
   */
  async request(method: string, path: string, body?: object): Promise<VaultAnswer> {
    return this.#limit(async () => {
      const token = await this.#currentToken();
      const answer = await this.#send(method, path, token.text, body);
      if (answer.status !== 403) return answer;
      // The token may have been revoked since; a new one tells which it is.
      if (this.#token === token) this.#token = undefined;
      const fresh = await this.#currentToken();
      const again = await this.#send(method, path, fresh.text, body);
      if (again.status === 403) throw forbidden(method, path);
      return again;
    });
  }

  /**
   * Reads or writes JSON.
   *
   * @returns undefined where there is nothing (404, or an answer without content).
   * @throws Fault as {@link request}, and `keys_refused`, not retryable, for what Vault finds wrong with the request.
   */
  async json<T>(
    shape: z.ZodType<T>,
    method: string,
    path: string,
    body?: object,
  ): Promise<T | undefined> {
    const { status, body: bytes } = await this.request(method, path, body);
    if (status === 404 || bytes.length === 0) return undefined;
    const value = parsed(bytes);
    if (status >= 400) throw refused(method, path, value);
    const read = shape.safeParse(value);
    if (read.success) return read.data;
    throw unavailable(`${method} ${path} was answered in another shape`);
  }

  close(): void {
    this.#isClosed = true;
    this.#token = undefined;
  }

  async #currentToken(): Promise<Token> {
    if (this.#isClosed)
      throw new Fault('keys_unavailable', 'the store of keys is closed', { retryable: false });
    const nowMs = this.#nowMs();
    const token = this.#token;
    if (token && nowMs < token.renewAtMs) return token;
    // Any number of requests wait for one login.
    this.#login ??= this.#renewedOrNew(token, nowMs).finally(() => (this.#login = undefined));
    this.#token = await this.#login;
    return this.#token;
  }

  async #renewedOrNew(token: Token | undefined, nowMs: number): Promise<Token> {
    if (token?.isRenewable && nowMs < token.expiresAtMs) {
      const path = 'auth/token/renew-self';
      const { status, body } = await this.#send('POST', path, token.text, {});
      const renewed = status === 200 ? Login.safeParse(parsed(body)) : undefined;
      // A lease at its maximum is renewed for ever shorter times: then a new login is due.
      if (renewed?.success && renewed.data.auth.lease_duration > 60)
        return this.#tokenOf(renewed.data);
    }
    return this.#loggedIn();
  }

  async #loggedIn(): Promise<Token> {
    const { auth } = this.#options;
    if (auth.kind === 'token')
      return {
        text: await auth.read(),
        renewAtMs: Number.POSITIVE_INFINITY,
        expiresAtMs: Number.POSITIVE_INFINITY,
        isRenewable: false,
      };
    const { path, body } = await loginRequest(auth);
    const answer = await this.#send('POST', path, undefined, body);
    if (answer.status >= 400)
      throw new Fault('keys_forbidden', `Vault does not accept the login at ${path}`, {
        retryable: false,
      });
    const login = Login.safeParse(parsed(answer.body));
    if (!login.success) throw unavailable(`${path} was answered in another shape`);
    return this.#tokenOf(login.data);
  }

  #tokenOf({ auth }: z.infer<typeof Login>): Token {
    const nowMs = this.#nowMs();
    // A lease of nothing is one without end.
    const leaseMs =
      auth.lease_duration === 0 ? Number.POSITIVE_INFINITY : auth.lease_duration * 1_000;
    return {
      text: auth.client_token,
      renewAtMs: nowMs + leaseMs * RENEW_AFTER,
      expiresAtMs: nowMs + leaseMs,
      isRenewable: auth.renewable,
    };
  }

  #nowMs(): number {
    return this.#options.monotonicMs?.() ?? performance.now();
  }

  async #send(
    method: string,
    path: string,
    token: string | undefined,
    body: object | undefined,
  ): Promise<VaultAnswer> {
    const { address, namespace, timeoutMs = TIMEOUT_MS } = this.#options;
    try {
      const response = await fetch(`${address}/v1/${path}`, {
        method,
        headers: {
          'x-vault-request': 'true',
          ...(token !== undefined && { 'x-vault-token': token }),
          ...(namespace !== undefined && { 'x-vault-namespace': namespace }),
        },
        ...(body && { body: JSON.stringify(body) }),
        redirect: 'error',
        signal: AbortSignal.timeout(timeoutMs),
      });
      const bytes = await response.bytes();
      if (response.status >= 500 || response.status === 429)
        throw unavailable(`Vault answered ${response.status} to ${method} ${path}`);
      return { status: response.status, body: bytes };
    } catch (error) {
      throw error instanceof Fault ? error : unavailable('Vault does not answer', error);
    }
  }
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch (error) {
    throw unavailable('Vault answered with something else than JSON', error);
  }
}

/** Vault's own words about a request; they name paths and settings, never keys. */
function refused(method: string, path: string, value: unknown): Fault {
  const errors = Errors.safeParse(value);
  const why = errors.success ? errors.data.errors.join('; ').trim().slice(0, 300) : 'no reason';
  return new Fault('keys_refused', `Vault refused ${method} ${path}: ${why}`, { retryable: false });
}

function forbidden(method: string, path: string): Fault {
  return new Fault('keys_forbidden', `this identity may not ${method} ${path} in Vault`, {
    retryable: false,
  });
}

function unavailable(message: string, cause?: unknown): Fault {
  return new Fault('keys_unavailable', message, { retryable: true, cause });
}
