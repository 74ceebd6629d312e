/** Calls under way, by wallet, to be waited for before a revocation is acknowledged. */
export class UnderWay {
  readonly #calls = new Map<string, Set<Promise<unknown>>>();

  async run<T>(wallet: string, call: () => Promise<T>): Promise<T> {
    const calls = this.#calls.get(wallet) ?? new Set();
    this.#calls.set(wallet, calls);
    const running = call();
    calls.add(running);
    try {
      return await running;
    } finally {
      calls.delete(running);
      if (calls.size === 0) this.#calls.delete(wallet);
    }
  }

  async settled(wallet: string): Promise<void> {
    await Promise.allSettled([...(this.#calls.get(wallet) ?? [])]);
  }
}
