import {
  type ControlEvent,
  type EventData,
  type EventName,
  type LaneEventName,
  type RefusalCode,
  decodeEvent,
  encodeEvent,
  isLaneEvent,
} from '@countersign/contracts';
import { Fault, InvariantViolation } from '@countersign/kernel';
import {
  type ControlView,
  EMPTY_CONTROL,
  EMPTY_HEAD,
  type Judgement,
  type LaneState,
  type Payment,
  chainedHead,
  emptyLane,
  foldControl,
  foldLane,
  laneOf,
  leafDigest,
  quarantine,
} from '@countersign/payment';
import { CONTROL, type EventLog, type LogRecord, type Subscription } from '@countersign/ports';
import { type Opening, encodeOpenings } from './commitments.ts';
import { PaymentIndex } from './payment-index.ts';
import { type Folded, type IgnoredRecord, type ReadBack, ReadBacks } from './read-backs.ts';
import { Refused } from './refusal.ts';
import { type TrustedKeys, isGenuine } from './statements.ts';
import type { Timers } from './timers.ts';

type Touched = (payments: readonly Payment[], lane: LaneState) => void;
/**
 * Folds every lane and `control` of one log, for all the services of a process. A writer appends through it and gets
 * back what its record did, never less: an acknowledgement by the log alone proves nothing.
 */
export class LaneHost {
  readonly log: EventLog;
  readonly #lanes: LaneState[];
  readonly #heads = new Map<string, string>();
  readonly #held: LogRecord[][];
  readonly #views = new Map<number, ControlView>([[-1, EMPTY_CONTROL]]);
  /** Ids of everything in control, applied or not: an order counts once, however often it stands there. */
  readonly #orders = new Set<string>();
  readonly #readBacks = new ReadBacks();
  readonly #index = new PaymentIndex();
  readonly #onTouched = new Set<Touched>();
  readonly #onControl = new Set<() => void>();
  readonly #onRecord = new Set<(record: LogRecord, result: Folded) => void>();
  readonly #onFatal: (error: unknown) => void;
  readonly #trusted: TrustedKeys;
  #control: ControlView = EMPTY_CONTROL;
  #subscription: Subscription | undefined;
  #closed: Error | undefined;

  /**
   * @param trusted keys by which signed records are genuine, from configuration: the same for every replica, so that all
   *   fold the same.
   */
  constructor(log: EventLog, trusted: TrustedKeys, onFatal: (error: unknown) => void) {
    this.log = log;
    this.#trusted = trusted;
    this.#onFatal = onFatal;
    this.#lanes = Array.from({ length: log.laneCount }, (_, lane) =>
      emptyLane(lane, log.laneCount, EMPTY_CONTROL),
    );
    this.#held = this.#lanes.map(() => []);
  }

  /** Folds what is there, then keeps folding. Resolves when caught up with the log as it was at the call. */
  async start(): Promise<void> {
    const names = [CONTROL, ...this.#lanes.map((lane) => String(lane.lane))];
    const ends = await Promise.all(names.map((name) => this.log.end(name)));
    const caughtUp = Promise.withResolvers<void>();
    const check = () => {
      const there = names.every((name, index) => this.#nextOf(name) >= (ends[index] ?? 0));
      if (there) caughtUp.resolve();
    };
    this.#subscription = this.log.subscribe(
      new Map(names.map((name) => [name, this.#nextOf(name)])),
      (records) => {
        for (const record of records) this.#take(record);
        check();
      },
      (error) => {
        caughtUp.reject(error);
        this.#halt(error);
      },
    );
    check();
    await caughtUp.promise;
  }

  async close(): Promise<void> {
    await this.#subscription?.close();
    this.#halt(new Fault('closed', 'the service is shutting down', { retryable: true }), true);
  }

  /** `control` as far as it has been folded; a lane may not have seen all of it yet. */
  get control(): ControlView {
    return this.#control;
  }

  get lanes(): readonly LaneState[] {
    return this.#lanes;
  }

  laneFor(tenant: string, agent: string): LaneState {
    return this.#lane(laneOf(tenant, agent, this.log.laneCount));
  }

  /** Running hash of a lane or of control. */
  head(lane: string): string {
    return this.#heads.get(lane) ?? EMPTY_HEAD;
  }

  payment(paymentId: string): Payment | undefined {
    return this.#index.payment(paymentId);
  }

  /** Every record that names the payment, in order, applied or not. */
  recordsOf(paymentId: string): Promise<readonly LogRecord[]> {
    return this.#index.recordsOf(this.log, paymentId);
  }

  /** The newest records that were ignored, for operators. */
  get ignored(): readonly IgnoredRecord[] {
    return this.#readBacks.ignored;
  }

  /** Called after each record that changed payments, with their new states. Must not throw. */
  onTouched(listener: Touched): () => void {
    this.#onTouched.add(listener);
    return () => this.#onTouched.delete(listener);
  }

  /** Called after each record of `control`, and after each mark. */
  onControl(listener: () => void): () => void {
    this.#onControl.add(listener);
    return () => this.#onControl.delete(listener);
  }

  /** Called for every record with what it did: for the recorder, metrics and streams. */
  onRecord(listener: (record: LogRecord, result: Folded) => void): () => void {
    this.#onRecord.add(listener);
    return () => this.#onRecord.delete(listener);
  }

  /** Appends an event to its agent's lane and waits until this process has folded it. */
  append<N extends LaneEventName>(
    name: N,
    data: EventData<N>,
    options: AppendOptions,
  ): Promise<ReadBack> {
    const { tenant, agent, lane } = data as { tenant?: string; agent?: string; lane?: number };
    const at = lane ?? laneOf(tenant ?? '', agent ?? '', this.log.laneCount);
    const key = lane === undefined ? `${tenant}/${agent}` : `lane/${lane}`;
    return this.#appendTo(String(at), key, encodeEvent(name, data, options.cause), options);
  }

  /** Appends an event to `control` and waits until this process has folded it. */
  appendControl<N extends ControlEvent['name']>(
    name: N,
    data: EventData<N>,
    options: AppendOptions,
  ): Promise<ReadBack> {
    return this.#appendTo(
      CONTROL,
      name,
      encodeEvent(name as EventName, data, options.cause),
      options,
    );
  }

  /**
   * Resolves with the payment once `reached` holds, or with how it stands when the time is over.
   *
   * @throws Refused `payment_unknown` when there is no such payment.
   */
  async waitFor(
    paymentId: string,
    reached: (payment: Payment) => boolean,
    limit: { readonly timers: Timers; readonly waitMs: number },
  ): Promise<Payment> {
    const now = this.payment(paymentId);
    if (!now) throw new Refused('payment_unknown');
    if (reached(now) || limit.waitMs <= 0) return now;
    const { promise, resolve } = Promise.withResolvers<Payment>();
    const cancel = limit.timers.after(limit.waitMs, () => resolve(this.payment(paymentId) ?? now));
    const stop = this.onTouched((payments) => {
      const mine = payments.find((payment) => payment.id === paymentId);
      if (mine && reached(mine)) resolve(mine);
    });
    try {
      return await promise;
    } finally {
      cancel();
      stop();
    }
  }

  /** Resolves when this process has folded all that stands in the lane now. */
  async caughtUp(lane: string): Promise<void> {
    const end = await this.log.end(lane);
    if (this.#foldedNext(lane) >= end) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const stop = this.onRecord(() => {
      if (this.#foldedNext(lane) >= end) resolve();
    });
    await promise;
    stop();
  }

  /** Resolves when every lane has seen `control` up to `offset`: only then is a change of control in force. */
  async marked(offset: number): Promise<void> {
    const passed = () => this.#lanes.every((lane) => lane.through >= offset);
    if (passed()) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const stop = this.onControl(() => passed() && resolve());
    await promise;
    stop();
  }

  async #appendTo(
    lane: string,
    key: string,
    encoded: { id: string; bytes: Uint8Array },
    options: AppendOptions,
  ): Promise<ReadBack> {
    if (this.#closed) throw this.#closed;
    const openings = options.openings && encodeOpenings(options.openings);
    const [position] = await this.log.append([
      { lane, key, bytes: encoded.bytes, ...(openings && { openings }) },
    ]);
    if (!position) throw new InvariantViolation('the log acknowledged no position');
    const result = await this.#readBacks.at(position);
    return { position, id: encoded.id, ...result };
  }

  #take(record: LogRecord): void {
    if (record.offset < this.#nextOf(record.lane)) return;
    const held = this.#held[Number(record.lane)];
    if (record.lane !== CONTROL && held && held.length > 0) {
      held.push(record);
      return;
    }
    this.#fold(record);
  }

  #fold(record: LogRecord): void {
    const expected = this.#foldedNext(record.lane);
    if (record.offset !== expected)
      throw new InvariantViolation(
        `lane ${record.lane}: offset ${record.offset} where ${expected} was due`,
      );
    if (record.lane === CONTROL) this.#foldControl(record);
    else this.#foldLane(record);
  }

  #foldControl(record: LogRecord): void {
    const event = decodeEvent(record.bytes);
    let code: RefusalCode | null = null;
    if ('undecodable' in event || isLaneEvent(event)) {
      code = 'undecodable';
      this.#control = { ...this.#control, offset: record.offset };
    } else if (!isGenuine(this.#trusted, event) || this.#orders.has(event.id)) {
      code = this.#orders.has(event.id) ? 'duplicate' : 'not_genuine';
      this.#control = { ...this.#control, offset: record.offset };
    } else {
      this.#orders.add(event.id);
      const judged = foldControl(this.#control, record.offset, event);
      this.#control = judged.view;
      if (!judged.applied) ({ code } = judged);
    }
    this.#views.set(record.offset, this.#control);
    this.#done(record, { applied: code === null, code, paymentId: null });
    this.#release();
    for (const listener of this.#onControl) listener();
  }

  #foldLane(record: LogRecord): void {
    const lane = this.#lane(Number(record.lane));
    const event = decodeEvent(record.bytes);
    if ('undecodable' in event || !isLaneEvent(event)) {
      this.#pass(lane, record, 'undecodable');
      return;
    }
    if (!isGenuine(this.#trusted, event)) {
      this.#pass(lane, record, 'not_genuine');
      return;
    }
    if (event.name === 'mark.made' && event.data.through > this.#control.offset) {
      // Only this lane waits: control has not come that far yet.
      this.#held[lane.lane]?.push(record);
      return;
    }
    const judged = this.#judge(lane, record, event);
    const named = 'paymentId' in event.data ? event.data.paymentId : null;
    if (named !== null) this.#index.named(named, record.offset);
    const paymentId = judged.applied ? named : (judged.paymentId ?? named);
    this.#done(record, {
      applied: judged.applied,
      code: judged.applied ? null : judged.code,
      paymentId,
    });
    if (judged.applied) this.#touch(judged.touched, lane);
    if (event.name !== 'mark.made') return;
    this.#forgetViews();
    for (const listener of this.#onControl) listener();
  }

  /** A record that is nobody's: the lane moves on, nothing else does. */
  #pass(lane: LaneState, record: LogRecord, code: RefusalCode): void {
    lane.next += 1;
    lane.atMs = Math.max(lane.atMs, record.stampMs);
    this.#done(record, { applied: false, code, paymentId: null });
  }

  #judge(lane: LaneState, record: LogRecord, event: Parameters<typeof foldLane>[2]): Judgement {
    const at = lane.next;
    try {
      return foldLane(lane, record.stampMs, event, (offset) => this.#views.get(offset));
    } catch (error) {
      if (!(error instanceof Error) || !('tenant' in event.data)) throw error;
      // A bug in the fold must not stop everybody else's payments: the agent is set aside, the lane goes on.
      quarantine(lane, event.data.tenant, event.data.agent);
      lane.next = at + 1;
      return { applied: false, code: 'internal' };
    }
  }

  #touch(payments: readonly Payment[], lane: LaneState): void {
    for (const payment of payments) this.#index.touched(payment, lane);
    if (payments.length > 0) for (const listener of this.#onTouched) listener(payments, lane);
  }

  /** Marks only go forward: what every lane has passed will not be asked for again. */
  #forgetViews(): void {
    const passed = Math.min(...this.#lanes.map((lane) => lane.through));
    for (const offset of this.#views.keys()) if (offset < passed) this.#views.delete(offset);
  }

  /** Lanes that waited for control go on as far as they can. */
  #release(): void {
    for (const [index, held] of this.#held.entries()) {
      if (held.length === 0) continue;
      this.#held[index] = [];
      for (const record of held) this.#take(record);
    }
  }

  #done(record: LogRecord, result: Folded): void {
    const head = this.#heads.get(record.lane) ?? EMPTY_HEAD;
    this.#heads.set(record.lane, chainedHead(head, leafDigest(record)));
    this.#readBacks.done(record, result);
    for (const listener of this.#onRecord) listener(record, result);
  }

  #lane(index: number): LaneState {
    const lane = this.#lanes[index];
    if (!lane) throw new InvariantViolation(`no lane ${index}`);
    return lane;
  }

  /** Offset of the next record to be delivered, counting those that wait for control. */
  #nextOf(name: string): number {
    return (
      this.#foldedNext(name) + (name === CONTROL ? 0 : (this.#held[Number(name)]?.length ?? 0))
    );
  }

  #foldedNext(name: string): number {
    return name === CONTROL ? this.#control.offset + 1 : this.#lane(Number(name)).next;
  }

  #halt(error: unknown, expected = false): void {
    this.#closed ??=
      error instanceof Error ? error : new InvariantViolation(`the fold stopped: ${String(error)}`);
    this.#readBacks.close(this.#closed);
    if (!expected) this.#onFatal(error);
  }
}

export interface AppendOptions {
  /** What caused the record: an id that is the same when the command is repeated. */
  readonly cause: string;
  /** Openings of the commitments in the data, by field. */
  readonly openings?: Readonly<Record<string, Opening>>;
}
