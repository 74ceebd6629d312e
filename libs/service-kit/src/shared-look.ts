/**
 * One look at something elsewhere for all who ask while it is under way. A look that began before the call may have missed
 * what was there at the call: then the next one counts.
 */
export class SharedLook<T> {
  readonly #look: () => Promise<T>;
  #running: Promise<T> | undefined;
  #next: Promise<T> | undefined;

  constructor(look: () => Promise<T>) {
    this.#look = look;
  }

  /** What a look found that began at the call or later; rejects with what that one threw. */
  taken(): Promise<T> {
    // Who asks while somebody waits for the next look does not begin one before it.
    if (this.#next) return this.#next;
    if (!this.#running) {
      this.#running = this.#look().finally(() => (this.#running = undefined));
      return this.#running;
    }
    this.#next = this.#running
      .catch(() => undefined)
      .then(() => {
        this.#next = undefined;
        return this.taken();
      });
    return this.#next;
  }
}
