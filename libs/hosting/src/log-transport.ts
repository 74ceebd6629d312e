import { Fault } from '@countersign/kernel';
import type { DutyShares } from '@countersign/ports';
import type { LaneHost } from '@countersign/service-kit';
import { type CustomTransportStrategy, Server } from '@nestjs/microservices';

/** Work of a service beside its requests: it begins when the log is folded, and ends before the log is left. */
export interface Work {
  /** Resolves when the service may be called ready, as far as this duty is concerned. */
  start(): void | Promise<void>;
  /** Takes up nothing more; resolves when what runs is done. What is left undone is still owed. */
  stop(): void | Promise<void>;
}

export interface LogTransportOptions {
  readonly host: LaneHost;
  /** Every duty of the service: the explicit list of what it reacts to. */
  readonly duties: readonly Work[];
  /** Which lanes are this replica's: joined when it can work, handed over at the end. */
  readonly shares: DutyShares | undefined;
}

/**
 * NestJS transport over the log: listening is folding it, and what other transports hand to message handlers are the
 * debts that the fold owes. There are no messages to acknowledge: what was not done is owed until its record counts.
 */
export class LogTransport extends Server implements CustomTransportStrategy {
  readonly #options: LogTransportOptions;
  #isClosing = false;

  constructor(options: LogTransportOptions) {
    super();
    this.#options = options;
  }

  /**
   * Calls back when all that stood in the log is folded and every duty has begun, or with the error. Only then lanes are
   * asked for: until then the debts on them are paid by whoever has them.
   */
  listen(callback: (error?: unknown) => void): void {
    this.#begin().then(() => callback(), callback);
  }

  /** Ends the duties, leaves the lanes to other replicas, and stops folding; in this order nothing is lost. Also before all has begun. */
  async close(): Promise<void> {
    this.#isClosing = true;
    const { host, duties, shares } = this.#options;
    await Promise.all(duties.map(async (duty) => duty.stop()));
    await shares?.close();
    await host.close();
  }

  /** There are no events of a client to listen to. */
  override on(): never {
    throw new Error('the log has no events of its own');
  }

  override unwrap<T = LaneHost>(): T {
    return this.#options.host as T;
  }

  async #begin(): Promise<void> {
    const { host, duties, shares } = this.#options;
    await host.start();
    if (this.#isClosing)
      throw new Fault('closed', 'the service is shutting down', { retryable: true });
    await Promise.all(duties.map(async (duty) => duty.start()));
    shares?.join();
  }
}
