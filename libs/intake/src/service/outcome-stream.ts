import { decodeEvent } from '@countersign/contracts';
import type { Payment } from '@countersign/payment';
import type { AgentOutbox, DutyShares, OutcomeInput } from '@countersign/ports';
import { type OutcomeParts, outcomeOf, worthTelling } from './outcomes.ts';
import { type Persistence, persistently } from './persistently.ts';

export interface OutcomeStreamParts extends OutcomeParts {
  readonly outbox: AgentOutbox;
  readonly persistence: Persistence;
  /** The lanes we tell of, where replicas share them; without it all are ours. */
  readonly duty?: DutyShares;
}

/** Outcomes are kept so long; what stood in the log before then was told, or has gone from the topic since. */
const KEPT_MS = 7 * 86_400_000;
const PAGE = 500;
const SLICE = 200;
const TOLD_MAX = 20_000;

/**
 * Tells agents what becomes of payments that began with a message. It tells how a payment stands, not each record about
 * it; how far a lane was told stands in the outcomes themselves, so that nothing else need be kept, and a crash repeats
 * some and loses none.
 */
export class OutcomeStream {
  readonly #parts: OutcomeStreamParts;
  readonly #lanes = new Map<number, LaneStream>();
  #stops: readonly (() => void)[] = [];

  constructor(parts: OutcomeStreamParts) {
    this.#parts = parts;
  }

  start(): void {
    const { host, duty } = this.#parts;
    this.#stops = [
      host.onTouched((payments, { lane, next }) => this.#lanes.get(lane)?.note(payments, next - 1)),
      duty?.onChange(() => this.#share()) ?? (() => {}),
    ];
    this.#share();
  }

  async stop(): Promise<void> {
    for (const stop of this.#stops) stop();
    const streams = [...this.#lanes.values()];
    this.#lanes.clear();
    await Promise.all(streams.map((stream) => stream.stop()));
  }

  #share(): void {
    const { host, duty } = this.#parts;
    for (const { lane, next } of host.lanes) {
      const stream = this.#lanes.get(lane);
      const isOurs = duty?.holds(lane) ?? true;
      if (isOurs && !stream) this.#lanes.set(lane, new LaneStream(this.#parts, lane, next));
      if (isOurs || !stream) continue;
      this.#lanes.delete(lane);
      void stream.stop();
    }
  }
}

/** What is told of one lane, in order. */
class LaneStream {
  readonly #parts: OutcomeStreamParts;
  readonly #lane: number;
  readonly #done: Promise<void>;
  /** Payments to look at, in the order of their newest records. */
  readonly #pending = new Set<string>();
  /** What was told last of a payment, so that records which change nothing for the agent are not told. */
  readonly #told = new Map<string, string>();
  /** Offset of the newest record that is in `pending`. */
  #noted: number;
  #wake: () => void = () => {};
  #stopped = false;

  constructor(parts: OutcomeStreamParts, lane: number, next: number) {
    this.#parts = parts;
    this.#lane = lane;
    this.#noted = next - 1;
    this.#done = this.#run(next);
  }

  note(payments: readonly Payment[], offset: number): void {
    for (const { id, intent } of payments) if (intent.messageId !== undefined) this.#look(id);
    this.#noted = offset;
    this.#wake();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#wake();
    await this.#done;
  }

  async #run(next: number): Promise<void> {
    const { persistence, outbox, log } = this.#parts;
    try {
      const told = await persistently(() => outbox.through(this.#lane), persistence);
      await persistently(() => this.#readAgain(told + 1, next), persistence);
      while (!this.#isOver) {
        if (this.#pending.size === 0) await this.#woken();
        else await this.#tell();
      }
    } catch (error) {
      if (!this.#isOver)
        log.error({ lane: this.#lane, err: error }, 'outcomes of this lane are told no more');
    }
  }

  get #isOver(): boolean {
    return this.#stopped || this.#parts.persistence.signal.aborted;
  }

  #look(id: string): void {
    this.#pending.delete(id);
    this.#pending.add(id);
  }

  async #woken(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    if (!this.#isOver && this.#pending.size === 0) await promise;
  }

  /** Payments the records between two offsets name. Those that come meanwhile are noted as they come. */
  async #readAgain(from: number, to: number): Promise<void> {
    const { host, clock } = this.#parts;
    const lane = String(this.#lane);
    let at = await this.#firstSince(clock.nowMs() - KEPT_MS, from, to);
    while (at < to && !this.#isOver) {
      const records = await host.log.read(lane, at, Math.min(PAGE, to - at));
      if (records.length === 0) return;
      for (const { bytes } of records) {
        const event = decodeEvent(bytes);
        if ('undecodable' in event || !('paymentId' in event.data)) continue;
        const { paymentId } = event.data;
        if (host.payment(paymentId)?.intent.messageId !== undefined) this.#look(paymentId);
      }
      at += records.length;
    }
  }

  /** Stamps of a lane never decrease. */
  async #firstSince(sinceMs: number, from: number, to: number): Promise<number> {
    let [low, high] = [from, Math.max(from, to)];
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const [record] = await this.#parts.host.log.read(String(this.#lane), middle, 1);
      if (!record || record.stampMs >= sinceMs) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  async #tell(): Promise<void> {
    const { outbox, persistence } = this.#parts;
    const ids = [...this.#pending].slice(0, SLICE);
    for (const id of ids) this.#pending.delete(id);
    // What is left over stands in records at or before `noted`: it must be told before that is said.
    const through = this.#pending.size === 0 ? this.#noted : undefined;
    const outcomes: OutcomeInput[] = [];
    for (const id of ids) outcomes.push(...(await this.#outcomeOf(id)));
    const last = outcomes.pop();
    if (!last) return;
    outcomes.push({ ...last, ...(through !== undefined && { through }) });
    await persistently(() => outbox.publish(outcomes), persistence);
  }

  async #outcomeOf(id: string): Promise<readonly OutcomeInput[]> {
    const { host, log } = this.#parts;
    const payment = host.payment(id);
    const worth = payment && worthTelling(payment);
    if (!worth || this.#told.get(id) === worth) return [];
    try {
      const outcome = await outcomeOf(this.#parts, payment, payment.intent.messageId ?? null);
      this.#told.delete(id);
      this.#told.set(id, worth);
      if (this.#told.size > TOLD_MAX) this.#told.delete(this.#told.keys().next().value ?? '');
      return [outcome];
    } catch (error) {
      log.error({ payment: id, err: error }, 'a bug kept an outcome from being told');
      return [];
    }
  }
}
