/**
 * Infrastructure did not answer as it should: a store, a chain, a key server, a receiver of notifications.
 * A fault says nothing about the payment; whoever catches one treats the matter as unknown.
 */
export class Fault extends Error {
  override readonly name = 'Fault';
  /** Whether the same call, unchanged, may succeed later. */
  readonly retryable: boolean;
  /** Stable and lower_snake, for metrics and problem details. */
  readonly code: string;

  constructor(code: string, message: string, options: { retryable: boolean; cause?: unknown }) {
    super(message, { cause: options.cause });
    this.code = code;
    this.retryable = options.retryable;
  }
}
