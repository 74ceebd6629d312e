import { Fault } from '@countersign/kernel';

type Close = () => void | Promise<void>;

/** What a start has opened so far; closed in the reverse order, at the end as well as when the start is given up. */
export class Opened {
  readonly #closes: Close[] = [];
  #closing: Promise<void> | undefined;

  /** @throws Fault `closed` once all is closed: a start that was given up goes no further. */
  add(close: Close): void {
    if (this.#closing)
      throw new Fault('closed', 'the service is shutting down', { retryable: true });
    this.#closes.push(close);
  }

  /**
   * Closes everything, also after one that could not be closed. Idempotent.
   *
   * @throws the first error.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const errors: unknown[] = [];
    for (const close of this.#closes.toReversed()) {
      try {
        await close();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  }
}
