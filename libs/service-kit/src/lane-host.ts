import type {
  ControlEvent,
  EventData,
  EventName,
  LaneEventName,
  RefusalCode,
} from '@countersign/contracts';
import { Fault, InvariantViolation } from '@countersign/kernel';
import {
  type ControlView,
  type Booked,
  type LaneState,
  type Payment,
  type SetAside,
  type Task,
  laneOf,
  laneOfPayment,
} from '@countersign/payment';
import {
  CONTROL,
  type EventLog,
  type LogRecord,
  type Position,
  type Subscription,
} from '@countersign/ports';
import { catchUp } from './catch-up.ts';
import { aboutPayment, traced } from './tracing.ts';
import { type Opening, encodeOpenings } from './commitments.ts';
import { FoldWaits } from './fold-waits.ts';
import { type FoldListeners, LogFold, type StateOptions } from './log-fold.ts';
import { type Folded, type IgnoredRecord, type ReadBack, ReadBacks } from './read-backs.ts';
import { type NamingRecord, RecentRecords } from './recent-records.ts';
import { Refused } from './refusal.ts';
import type { KeptBeside } from './saved-fold.ts';
import { SharedLook } from './shared-look.ts';
import type { ListOf } from './state-cache.ts';
import { type OwnEvent, type TrustedKeys, ownEvent } from './statements.ts';
import type { Timers } from './timers.ts';

type Touched = (payments: readonly Payment[], lane: LaneState) => void;
/**
 * Folds every lane and `control` of one log, for all the services of a process. A writer appends through it and gets
 * back what its record did, never less: an acknowledgement by the log alone proves nothing.
 */
export class LaneHost {
  readonly log: EventLog;
  readonly #fold: LogFold;
  readonly #threads: boolean;
  readonly #readBacks = new ReadBacks();
  readonly #recent: RecentRecords;
  readonly #onTouched = new Set<Touched>();
  /** By payment: who waits for it. */
  readonly #waiting = new Map<string, Set<(payment: Payment) => unknown>>();
  readonly #onTask = new Set<(task: Task) => void>();
  readonly #onControl = new Set<() => void>();
  readonly #onSetAside = new Set<(setAside: SetAside, at: Position) => void>();
  readonly #onRecord = new Set<FoldListeners['onRecord']>();
  readonly #waits = new FoldWaits();
  readonly #onFatal: (error: unknown) => void;
  readonly #ends = new SharedLook(async () => {
    const names = [CONTROL, ...this.lanes.map(({ lane }) => String(lane))];
    const ends = await this.log.ends(names);
    await Promise.all(names.map((name, index) => this.#folded(name, ends[index] ?? 0)));
  });
  readonly #controlEnd = new SharedLook(() => this.log.end(CONTROL));
  #subscription: Subscription | undefined;
  #closed: Error | undefined;

  /**
   * @param trusted keys by which signed records are genuine, from configuration: the same for every replica, so that all
   *   fold the same.
   * @param options without a state store, every start folds the whole log, and all of the fold is in memory.
   */
  constructor(
    log: EventLog,
    trusted: TrustedKeys,
    onFatal: (error: unknown) => void,
    options: StateOptions = {},
  ) {
    this.log = log;
    this.#recent = new RecentRecords(log);
    this.#onFatal = onFatal;
    const listeners: FoldListeners = {
      onRecord: (record, folded, event) => {
        this.#recent.take(record);
        this.#readBacks.done(record, folded);
        for (const listener of this.#onRecord) listener(record, folded, event);
      },
      onTouched: (payments, lane) => {
        for (const payment of payments)
          for (const look of this.#waiting.get(payment.id) ?? []) look(payment);
        for (const listener of this.#onTouched) listener(payments, lane);
      },
      onTask: (task: Task) => {
        for (const listener of this.#onTask) listener(task);
      },
      onControl: () => {
        for (const listener of this.#onControl) listener();
      },
      onSetAside: (setAside: SetAside, at: Position) => {
        for (const listener of this.#onSetAside) listener(setAside, at);
      },
    };
    this.#fold = new LogFold(log, trusted, listeners, options);
    this.#threads = options.threads ?? false;
  }

  /**
   * Folds what is there, then keeps folding. Resolves when caught up with the log as it was at the call.
   *
   * @throws Fault `log_shorter` or `log_changed` when the log is not the one that was folded before; `closed` when it is
   *   closed meanwhile.
   */
  async start(): Promise<void> {
    await this.#fold.restore();
    this.#checkOpen();
    const names = [CONTROL, ...this.lanes.map((lane) => String(lane.lane))];
    const ends = await this.log.ends(names);
    if (this.#threads) await this.#catchUp(new Map(names.map((name, at) => [name, ends[at] ?? 0])));
    this.#checkOpen();
    this.#subscription = this.log.subscribe(
      new Map(names.map((name) => [name, this.#fold.nextOf(name)])),
      (records) => {
        for (const record of records) this.#fold.take(record);
        this.#fold.save(false);
        this.#waits.look();
      },
      (error) => this.#halt(error),
    );
    await this.#waits.until(() =>
      names.every((name, index) => this.#fold.nextOf(name) >= (ends[index] ?? 0)),
    );
  }

  /**
   * Notes with each save of the fold how much there is of something else, of the same moment. If at the start there is
   * less of it, the fold that was kept is forgotten and the whole log folded. To be called before the start.
   */
  keepBeside(name: string, kept: KeptBeside): void {
    this.#fold.keepBeside(name, kept);
  }

  /** Folds nothing from now on; also while it starts. */
  async close(): Promise<void> {
    await this.#subscription?.close();
    if (!this.#closed) this.#fold.save(true);
    this.#halt(new Fault('closed', 'the service is shutting down', { retryable: true }), true);
  }

  /** `control` as far as it has been folded; a lane may not have seen all of it yet. */
  get control(): ControlView {
    return this.#fold.control.view;
  }

  get lanes(): readonly LaneState[] {
    return this.#fold.lanes;
  }

  laneFor(tenant: string, agent: string): LaneState {
    return this.#fold.lane(laneOf(tenant, agent, this.log.laneCount));
  }

  /** Running hash of a lane or of control. */
  head(lane: string): string {
    return this.#fold.head(lane);
  }

  payment(paymentId: string): Payment | undefined {
    return this.#fold.cache.payment(paymentId);
  }

  /** The payment whose authorization has this nonce. */
  paymentOfNonce(nonce: string): Payment | undefined {
    return this.#fold.cache.paymentOfNonce(nonce);
  }

  /** Payments of a tenant by the time of submission, the newest first. */
  newest(list: ListOf): readonly Payment[] {
    return this.#fold.cache.newest(list);
  }

  /**
   * What every payment of a tenant means to the budget counters, as far as it was folded. Of those that ended without
   * having spent anything, some are left out.
   */
  booked(tenant: string): Iterable<Booked> {
    return this.#fold.cache.booked(tenant);
  }

  /** Every record that names the payment, in order, with why it was ignored, if it was. */
  recordsOf(paymentId: string): Promise<readonly NamingRecord[]> {
    const named = this.#fold.cache.namedAt(paymentId);
    return this.#recent.at(String(laneOfPayment(paymentId)), named);
  }

  /** The newest records that were ignored, for operators. */
  get ignored(): readonly IgnoredRecord[] {
    return this.#readBacks.ignored;
  }

  /** Why a folded record was ignored; null where it counted. */
  ignoredAt({ lane, offset }: Position): RefusalCode | null {
    return this.#fold.cache.ignored.get(`${lane}:${offset}`) ?? null;
  }

  /** Called after each record that changed payments, with their new states. Must not throw. */
  onTouched(listener: Touched): () => void {
    this.#onTouched.add(listener);
    return () => this.#onTouched.delete(listener);
  }

  /** Called after each record that may have changed what is owed for a task. Must not throw. */
  onTask(listener: (task: Task) => void): () => void {
    this.#onTask.add(listener);
    return () => this.#onTask.delete(listener);
  }

  /** Called after each record of `control`, and after each mark. */
  onControl(listener: () => void): () => void {
    this.#onControl.add(listener);
    return () => this.#onControl.delete(listener);
  }

  /** Called when the fold threw on a record of an agent, which is quarantined from here on. Must not throw. */
  onSetAside(listener: (setAside: SetAside, at: Position) => void): () => void {
    this.#onSetAside.add(listener);
    return () => this.#onSetAside.delete(listener);
  }

  /** Called for every record with what it did: for the recorder, metrics and streams. */
  onRecord(listener: FoldListeners['onRecord']): () => void {
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
    const encoded = ownEvent(name, data, options.cause);
    const { paymentId } = data as { paymentId?: string };
    const attributes = { 'countersign.lane': at };
    return traced(`append ${name}`, { payment: paymentId, attributes }, async (span) => {
      const acknowledged = () => span?.addEvent('acknowledged');
      const back = await this.#appendTo(String(at), key, encoded, { ...options, acknowledged });
      if (paymentId !== undefined)
        aboutPayment(paymentId, back.applied && name === 'intent.submitted');
      span?.setAttributes({
        'countersign.offset': back.position.offset,
        'countersign.judgement': back.code ?? 'applied',
      });
      return back;
    });
  }

  /** Appends an event to `control` and waits until this process has folded it. */
  appendControl<N extends ControlEvent['name']>(
    name: N,
    data: EventData<N>,
    options: AppendOptions,
  ): Promise<ReadBack> {
    return this.#appendTo(CONTROL, name, ownEvent(name as EventName, data, options.cause), options);
  }

  /**
   * Appends the very bytes of a record that stands somewhere already, and waits until this process has folded them: a
   * record is a claim, so it may be made again by whoever has it.
   */
  async appendAgain(record: LogRecord, lane: string): Promise<Folded & { position: Position }> {
    this.#checkOpen();
    const { key, bytes, openings } = record;
    const [position] = await this.log.append([{ lane, key, bytes, ...(openings && { openings }) }]);
    if (!position) throw new InvariantViolation('the log acknowledged no position');
    return { position, ...(await this.#readBacks.at(position)) };
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
    aboutPayment(paymentId);
    if (reached(now) || limit.waitMs <= 0) return now;
    const { promise, resolve } = Promise.withResolvers<Payment>();
    const cancel = limit.timers.after(limit.waitMs, () => resolve(this.payment(paymentId) ?? now));
    const look = (payment: Payment) => reached(payment) && resolve(payment);
    this.#waiting.set(paymentId, (this.#waiting.get(paymentId) ?? new Set()).add(look));
    try {
      return await promise;
    } finally {
      cancel();
      const others = this.#waiting.get(paymentId);
      others?.delete(look);
      if (others?.size === 0) this.#waiting.delete(paymentId);
    }
  }

  /**
   * Resolves when this process has folded all that stands in the lane now, as far as anybody can fold it.
   *
   * @throws what ended the fold, where nothing is folded any more.
   */
  async caughtUp(lane: string): Promise<void> {
    await this.#folded(lane, await this.log.end(lane));
  }

  async #folded(lane: string, end: number): Promise<void> {
    await this.#waits.until(() => this.#fold.nextOf(lane) >= end);
    if (this.#fold.foldedNext(lane) >= end) return;
    // A mark holds the lane until control has come that far. Where control ends before it, the mark is forged: nobody folds
    // what stands behind it, and one lane must not keep all others waiting.
    const controlEnd = await this.log.end(CONTROL);
    await this.#waits.until(
      () => this.#fold.foldedNext(lane) >= end || this.#fold.foldedNext(CONTROL) >= controlEnd,
    );
  }

  /** Where control ended at the call or later; all who ask at once share one look. */
  controlEnd(): Promise<number> {
    return this.#controlEnd.taken();
  }

  /** Resolves when everything is folded that stood in control or any lane at the call; all who wait share one look. */
  caughtUpWithAll(): Promise<void> {
    return this.#ends.taken();
  }

  /** Resolves when every lane has seen `control` up to `offset`: only then is a change of control in force. */
  marked(offset: number): Promise<void> {
    return this.#waits.until(() => this.#fold.lanes.every((lane) => lane.through >= offset));
  }

  async #appendTo(
    lane: string,
    key: string,
    encoded: OwnEvent,
    options: AppendOptions & { readonly acknowledged?: () => void },
  ): Promise<ReadBack> {
    this.#checkOpen();
    const openings = options.openings && encodeOpenings(options.openings);
    const [position] = await this.log.append([
      { lane, key, bytes: encoded.bytes, ...(openings && { openings }) },
    ]);
    if (!position) throw new InvariantViolation('the log acknowledged no position');
    options.acknowledged?.();
    this.#fold.expect(position, encoded);
    const result = await this.#readBacks.at(position);
    return { position, id: encoded.id, ...result };
  }

  async #catchUp(ends: ReadonlyMap<string, number>): Promise<void> {
    try {
      await catchUp(this.log, this.#fold, ends, () => this.#checkOpen());
      this.#waits.look();
    } catch (error) {
      this.#halt(error);
      throw error;
    }
  }

  #checkOpen(): void {
    if (this.#closed) throw this.#closed;
  }

  #halt(error: unknown, expected = false): void {
    const isNews = !this.#closed && !expected;
    this.#closed ??=
      error instanceof Error ? error : new InvariantViolation(`the fold stopped: ${String(error)}`);
    this.#readBacks.close(this.#closed);
    this.#waits.close(this.#closed);
    if (isNews) this.#onFatal(error);
  }
}

export interface AppendOptions {
  /** What caused the record: an id that is the same when the command is repeated. */
  readonly cause: string;
  /** Openings of the commitments in the data, by field. */
  readonly openings?: Readonly<Record<string, Opening>>;
}
