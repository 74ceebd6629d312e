interface Wait extends PromiseWithResolvers<void> {
  readonly holds: () => boolean;
}

/** Who waits until the fold has come somewhere. */
export class FoldWaits {
  readonly #waiting = new Set<Wait>();
  #closed: Error | undefined;

  /** Resolves as soon as it holds; rejects when nothing is folded any more. */
  until(holds: () => boolean): Promise<void> {
    if (holds()) return Promise.resolve();
    if (this.#closed) return Promise.reject(this.#closed);
    const wait = { ...Promise.withResolvers<void>(), holds };
    this.#waiting.add(wait);
    return wait.promise;
  }

  /** Records were taken: some may have what they waited for. */
  look(): void {
    for (const wait of this.#waiting) {
      if (!wait.holds()) continue;
      this.#waiting.delete(wait);
      wait.resolve();
    }
  }

  close(error: Error): void {
    this.#closed ??= error;
    for (const wait of this.#waiting) wait.reject(error);
    this.#waiting.clear();
  }
}
