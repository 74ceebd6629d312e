import type { Fixed, Payment } from '@countersign/payment';

interface Standing {
  readonly lane: number;
  /** Among those of its lane; 0 for all that stood there at the start. */
  readonly order: number;
  readonly value: bigint;
  /** The chain takes it for so long. Unix milliseconds. */
  readonly untilMs: number;
}

/**
 * What is fixed and not known to be signed, by wallet and token: another signer may have signed it already, or be about to.
 * Of a wallet that is few, however many payments it made.
 */
export class UnderWay {
  readonly #byPurse = new Map<string, Map<string, Standing>>();
  /** By payment. */
  readonly #purses = new Map<string, string>();
  #taken = 0;

  /** @param atStart payments with their lanes, in whatever order. */
  constructor(atStart: Iterable<readonly [Payment, number]>) {
    for (const [payment, lane] of atStart) this.#put(payment, lane);
  }

  /** Takes a payment as it is after a record, in the order of the lane's records. */
  take(payment: Payment, lane: number): void {
    this.#taken += 1;
    this.#put(payment, lane);
  }

  /**
   * What may be signed away beside a payment by others of its wallet, in atomic units of its token. Not counted are those
   * of its lane that were fixed after it: whoever signs one of them has read the lane up to there, and counts this one. Of
   * other lanes all are: nobody knows in which order they were fixed, and so both may wait.
   *
   * @param isCounted whether a payment is counted already, as signed.
   * @param nowMs from when on the chain still takes what is counted.
   */
  beside(
    { id, tenant, phase }: Payment,
    { isCounted, nowMs }: { readonly isCounted: (id: string) => boolean; readonly nowMs: number },
  ): bigint {
    if (phase.status !== 'fixed') return 0n;
    const purse = this.#byPurse.get(purseOf(tenant, phase.fixed)) ?? new Map<string, Standing>();
    const own = purse.get(id);
    let sum = 0n;
    for (const [other, { lane, order, value, untilMs }] of purse) {
      const isLater = lane === own?.lane && order > own.order;
      if (other !== id && !isLater && untilMs > nowMs && !isCounted(other)) sum += value;
    }
    return sum;
  }

  #put({ id, tenant, phase }: Payment, lane: number): void {
    const before = this.#purses.get(id);
    if (phase.status !== 'fixed') {
      this.#purses.delete(id);
      if (before !== undefined) this.#byPurse.get(before)?.delete(id);
      return;
    }
    if (before !== undefined) return;
    const name = purseOf(tenant, phase.fixed);
    const purse = this.#byPurse.get(name) ?? new Map<string, Standing>();
    this.#byPurse.set(name, purse);
    this.#purses.set(id, name);
    const { value, validBefore } = phase.fixed.authorization;
    const untilMs = validBefore * 1_000;
    purse.set(id, { lane, order: this.#taken, value: BigInt(value), untilMs });
  }
}

function purseOf(tenant: string, { walletId, authorization }: Fixed): string {
  return `${tenant}/${walletId}/${authorization.token}`;
}
