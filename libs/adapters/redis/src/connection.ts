import { createHash } from 'node:crypto';
import { Fault } from '@countersign/kernel';
import { Redis } from 'ioredis';
import { SCRIPTS, type ScriptName } from './scripts.ts';

export interface ConnectionOptions {
  /** Such as `redis://127.0.0.1:6379` or `rediss://user:password@host:6380/0`. */
  readonly url: string;
  /** How long a call may take; after that it is unknown what became of it. */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 2_000;
const RECONNECT_MAX_MS = 500;
const POLICY = 'noeviction';

const HASHES = Object.fromEntries(
  Object.entries(SCRIPTS).map(([name, text]) => [
    name,
    createHash('sha1').update(text).digest('hex'),
  ]),
) as Record<ScriptName, string>;

/**
 * One connection that never waits: what cannot be sent now, or is not answered in time, is a fault at once, and whoever
 * asked asks again. So no call that somebody gave up on is sent later.
 */
export class Connection {
  readonly #redis: Redis;
  /** Whether the server is known to keep everything it is given. Asked anew with each connection. */
  #keepsAll = false;
  #isClosed = false;

  constructor({ url, timeoutMs = TIMEOUT_MS }: ConnectionOptions) {
    this.#redis = new Redis(url, {
      commandTimeout: timeoutMs,
      connectTimeout: timeoutMs,
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      retryStrategy: (times) => Math.min(50 * times, RECONNECT_MAX_MS),
    });
    this.#redis.on('close', () => (this.#keepsAll = false));
    // Each call gets its own fault, and without a listener the process would end.
    this.#redis.on('error', () => undefined);
  }

  /** Resolves when the first connection stands, or could not be made within the time of one call. */
  async ready(): Promise<void> {
    if (this.#redis.status === 'ready') return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#redis.once('ready', resolve).once('close', resolve);
    await promise;
  }

  /** Runs a script on the tenant's fence, and returns its answer as it is. */
  async run(script: ScriptName, key: string, args: readonly string[]): Promise<unknown> {
    return this.use(async (redis) => {
      if (!this.#keepsAll) await this.#checkPolicy();
      try {
        return await redis.evalsha(HASHES[script], 1, key, ...args);
      } catch (error) {
        if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
        return redis.eval(SCRIPTS[script], 1, key, ...args);
      }
    });
  }

  /**
   * @throws Fault `budgets_unavailable` for whatever the client or the server throws.
   */
  async use<T>(work: (redis: Redis) => Promise<T>): Promise<T> {
    if (this.#isClosed) throw unavailable('the budgets are closed');
    try {
      return await work(this.#redis);
    } catch (error) {
      throw error instanceof Fault
        ? error
        : unavailable('Redis did not answer as it should', error);
    }
  }

  /** Asks the server again whether it may throw data away to make room. */
  async recheck(): Promise<void> {
    await this.use(() => this.#checkPolicy());
  }

  close(): void {
    this.#isClosed = true;
    this.#redis.disconnect();
  }

  async #checkPolicy(): Promise<void> {
    this.#keepsAll = false;
    const policy = /maxmemory_policy:(\S+)/.exec(await this.#redis.info('memory'))?.[1];
    if (policy !== POLICY)
      throw new Fault('budgets_unsafe', `maxmemory-policy is ${policy}, and must be ${POLICY}`, {
        retryable: true,
      });
    this.#keepsAll = true;
  }
}

export function unavailable(message: string, cause?: unknown): Fault {
  return new Fault('budgets_unavailable', message, { retryable: true, cause });
}
