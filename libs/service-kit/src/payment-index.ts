import {
  type Agent,
  type LaneState,
  type Payment,
  agentOf,
  laneOfPayment,
} from '@countersign/payment';
import type { EventLog, LogRecord } from '@countersign/ports';

/** Finds payments, and the records about them, by id. */
export class PaymentIndex {
  readonly #owners = new Map<string, Agent>();
  readonly #offsets = new Map<string, number[]>();

  payment(paymentId: string): Payment | undefined {
    return this.#owners.get(paymentId)?.payments.get(paymentId);
  }

  touched({ id, tenant, agent }: Payment, lane: LaneState): void {
    if (!this.#owners.has(id)) this.#owners.set(id, agentOf(lane, tenant, agent));
  }

  named(paymentId: string, offset: number): void {
    const offsets = this.#offsets.get(paymentId);
    if (offsets) offsets.push(offset);
    else this.#offsets.set(paymentId, [offset]);
  }

  /** Every record that names the payment, in order, applied or not. */
  async recordsOf(log: EventLog, paymentId: string): Promise<readonly LogRecord[]> {
    const lane = String(laneOfPayment(paymentId));
    const offsets = this.#offsets.get(paymentId) ?? [];
    const pages = await Promise.all(offsets.map((offset) => log.read(lane, offset, 1)));
    return pages.flat();
  }
}
