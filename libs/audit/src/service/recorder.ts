import { setImmediate as turn } from 'node:timers/promises';
import { decodeEvent, encodeEvent, isArchiveEvent } from '@countersign/contracts';
import { Fault, InvariantViolation } from '@countersign/kernel';
import {
  ARCHIVE,
  CONTROL,
  type ArchivedRecord,
  type Clock,
  type Cut,
  type EventStore,
  type LaneId,
  type LogRecord,
  type PaymentColumns,
  type StatementKey,
  type Subscription,
} from '@countersign/ports';
import {
  type LaneHost,
  type Log,
  type Timers,
  type TrustedKeys,
  isGenuine,
  openingsOf,
  signStatement,
} from '@countersign/service-kit';
import { type ArchiveState, EMPTY_ARCHIVE, foldArchive, oneMonth } from '../domain/archive.ts';
import { columnsOf, paymentColumnsOf } from '../domain/columns.ts';
import { type Frontier, appendLeaves, leafHash, rootOf } from '../domain/merkle.ts';

const LOG_SHORTER =
  'it goes further than the log: the log is an older copy of itself, or another. Empty the event store, and it is filled again';
/** Records of one cut: enough for a good insert, few enough to leave the loop to others. */
const CUT_RECORDS_MAX = 10_000;
const READ_RECORDS_MAX = 1_000;
/** How long another recorder's cut is left to it. */
const PATIENCE_MS = 5_000;
const RETRY_MS = 2_000;
/** Between two looks at whether what is not ours to do yet has been done, for one who waits. */
const LOOK_AGAIN_MS = 100;
/** Records that are kept from the claim of their range until they are inserted; those of further lanes are read again. */
const KEPT_MAX = 30_000;
/** Payments whose columns are remembered between cuts. */
const REMEMBERED_MAX = 20_000;

export interface RecorderParts {
  readonly host: LaneHost;
  readonly key: StatementKey;
  readonly trusted: TrustedKeys;
  readonly store: EventStore;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
  /** How long records are gathered before they are cut. */
  readonly everyMs: number;
}

/**
 * Puts every record into the event store, once. The range of an insert is fixed by a record of the archive lane before it
 * begins, so whoever repeats it, after a crash or beside another recorder, inserts the same again.
 */
export class Recorder {
  readonly #parts: RecorderParts;
  /** What the archive lane says has been cut. */
  #cuts: ArchiveState = EMPTY_ARCHIVE;
  #nextSequence = 0;
  /** Cuts that are not in the store yet, in order, and from when on they are ours to insert. */
  readonly #due: { readonly cut: Cut; readonly fromMs: number }[] = [];
  readonly #mine = new Set<number>();
  #tree: Frontier = { size: 0, hashes: [] };
  /** The last cut that is in the tree, and in the store. */
  #archivedThrough = -1;
  /** By lane: what was read to claim a range of it, from its beginning on. */
  readonly #kept = new Map<LaneId, readonly LogRecord[]>();
  readonly #remembered = new Map<string, PaymentColumns>();
  /** Next offset of each lane whose records `remembered` has seen. */
  readonly #seen = new Map<LaneId, number>();
  #subscription: Subscription | undefined;
  #cancelTimer: (() => void) | undefined;
  #working: Promise<Fault | undefined> | undefined;
  #isStopped = false;
  #hasFailed = false;
  readonly #waiting: (() => void)[] = [];

  constructor(parts: RecorderParts) {
    this.#parts = parts;
  }

  /**
   * Goes on from where the store ends.
   *
   * @throws Fault `log_shorter` when the store holds what the log has not.
   */
  async start(): Promise<void> {
    const { store, host } = this.#parts;
    const { sequence, treeSize, frontier, ends } = await store.archived();
    this.#cuts = { treeSize, ends };
    this.#tree = { size: treeSize, hashes: frontier };
    this.#archivedThrough = sequence;
    this.#nextSequence = sequence + 1;
    const end = await host.log.end(ARCHIVE);
    if (end < this.#nextSequence) throw new Fault('log_shorter', LOG_SHORTER, { retryable: false });
    this.#subscription = host.log.subscribe(
      new Map([[ARCHIVE, this.#nextSequence]]),
      // What stood there before we came belongs to nobody who is known to live.
      (records) => records.forEach((record) => this.#takeCut(record, record.offset >= end)),
      (error) => this.#stopFor(error),
    );
    this.#schedule(0);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancelTimer?.();
    for (const wake of this.#waiting.splice(0)) wake();
    await this.#subscription?.close();
    await this.#working;
  }

  /**
   * Puts in all that is folded now, and what comes meanwhile only by the way; for those who ask about what has just
   * happened.
   *
   * @throws Fault `event_store_unavailable`, or another that kept it from being put in.
   */
  async flush(): Promise<void> {
    const until = this.#folded();
    while (!this.#isStopped && !this.#hasArchived(until)) {
      this.#cancelTimer?.();
      const fault = await (this.#working ?? this.#work());
      if (fault) throw fault;
      if (this.#due.length > 0) await this.#lookAgain();
    }
  }

  /** How many folded records are not in the store yet. */
  get waiting(): number {
    const uncut = this.#behind().reduce((sum, [, from, end]) => sum + end - from, 0);
    return this.#due.reduce((sum, { cut }) => sum + cut.to - cut.from, uncut);
  }

  /** Whether what is folded goes into the store: not once it stopped for good, nor while the last try has failed. */
  get isRecording(): boolean {
    return !this.#isStopped && !this.#hasFailed;
  }

  #takeCut(record: LogRecord, mayBeOthers: boolean): void {
    this.#nextSequence = record.offset + 1;
    const event = decodeEvent(record.bytes);
    if ('undecodable' in event || !isArchiveEvent(event)) return this.#wake();
    if (!isGenuine(this.#parts.trusted, event, record.stampMs)) return this.#wake();
    const judged = foldArchive(this.#cuts, record.offset, event);
    if (judged.applied) {
      this.#cuts = judged.state;
      const patienceMs = mayBeOthers && !this.#mine.has(record.offset) ? PATIENCE_MS : 0;
      this.#due.push({ cut: judged.cut, fromMs: this.#parts.clock.nowMs() + patienceMs });
    }
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
    this.#schedule(this.#parts.everyMs);
  }

  #schedule(delayMs: number): void {
    if (this.#isStopped) return;
    this.#cancelTimer?.();
    this.#cancelTimer = this.#parts.timers.after(delayMs, () => {
      if (!this.#working) void this.#work();
    });
  }

  /** Resolves with what is to be tried again, if something is. */
  #work(): Promise<Fault | undefined> {
    this.#working = this.#turn()
      .then(
        () => {
          this.#hasFailed = false;
          this.#schedule(this.#parts.everyMs);
          return undefined;
        },
        (error: unknown) => this.#failed(error),
      )
      .finally(() => {
        this.#working = undefined;
      });
    return this.#working;
  }

  #failed(error: unknown): Fault | undefined {
    if (this.#isStopped) return undefined;
    if (!(error instanceof Fault) || !error.retryable) {
      this.#stopFor(error);
      return undefined;
    }
    this.#parts.log.warn({ code: error.code }, `the archive waits: ${error.message}`);
    this.#hasFailed = true;
    this.#schedule(RETRY_MS);
    return error;
  }

  /** A store that holds something else, or a bug: nothing more is inserted. Payments go on, and the log keeps all. */
  #stopFor(error: unknown): void {
    this.#isStopped = true;
    this.#parts.log.error({ err: error }, 'the recorder stopped; the event store stays as it is');
    for (const wake of this.#waiting.splice(0)) wake();
  }

  async #turn(): Promise<void> {
    await this.#archiveDue();
    if (this.#due.length > 0 || this.#isStopped) return;
    await this.#propose();
    await this.#archiveDue();
  }

  async #archiveDue(): Promise<void> {
    for (let due = this.#due[0]; due && !this.#isStopped; due = this.#due[0]) {
      // Another recorder may be so far ahead that its cuts are in the store before we have read of them.
      if (due.cut.sequence <= this.#archivedThrough) {
        this.#due.shift();
        continue;
      }
      const isOthers = due.fromMs > this.#parts.clock.nowMs() && !this.#mine.has(due.cut.sequence);
      if (!isOthers && this.#hasFolded(due.cut)) await this.#archive(due.cut);
      else if (!(await this.#doneByAnother(due.cut))) return;
    }
  }

  /** Another recorder inserted its own cut: its tree is taken over, and its records are not read. */
  async #doneByAnother(cut: Cut): Promise<boolean> {
    const archived = await this.#parts.store.archived();
    if (archived.sequence < cut.sequence) return false;
    this.#tree = { size: archived.treeSize, hashes: archived.frontier };
    this.#archivedThrough = archived.sequence;
    return true;
  }

  /** Next offset of each lane that the fold has not come to. */
  #folded(): ReadonlyMap<LaneId, number> {
    const { host } = this.#parts;
    const lanes = host.lanes.map(({ lane, next }) => [String(lane), next] as const);
    return new Map([[CONTROL, host.control.offset + 1], ...lanes]);
  }

  /** Another recorder may be ahead of our fold: what counted of its cut is not known here before it is folded. */
  #hasFolded({ lane, to }: Cut): boolean {
    return (this.#folded().get(lane) ?? 0) >= to;
  }

  #hasArchived(until: ReadonlyMap<LaneId, number>): boolean {
    const isDue = ({ lane, from }: Cut) => from < (until.get(lane) ?? 0);
    if (this.#due.some(({ cut }) => isDue(cut))) return false;
    return [...until].every(([lane, end]) => (this.#cuts.ends.get(lane) ?? 0) >= end);
  }

  /** Lanes with folded records beyond the last cut. */
  #behind(): readonly (readonly [lane: LaneId, from: number, end: number])[] {
    return [...this.#folded()]
      .map(([lane, end]) => [lane, this.#cuts.ends.get(lane) ?? 0, end] as const)
      .filter(([, from, end]) => end > from);
  }

  async #lookAgain(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push(resolve);
    const cancel = this.#parts.timers.after(LOOK_AGAIN_MS, resolve);
    await promise;
    cancel();
  }

  /** Claims the next range of every lane that has one, and waits until the claims have been read back. */
  async #propose(): Promise<void> {
    const { host, key } = this.#parts;
    const inputs = [];
    let { treeSize } = this.#cuts;
    let kept = 0;
    this.#kept.clear();
    for (const [lane, from, end] of this.#behind()) {
      const records = await this.#read(lane, from, Math.min(end, from + CUT_RECORDS_MAX));
      const to = from + oneMonth(records);
      kept += records.length;
      if (kept <= KEPT_MAX) this.#kept.set(lane, records);
      treeSize += to - from;
      const cause = `${host.log.logId}/${lane}/${from}`;
      const statement = { lane, from, to, treeSize };
      const data = await signStatement(key, 'archive.cut', statement, cause);
      const { bytes } = encodeEvent('archive.cut', data, cause);
      inputs.push({ lane: ARCHIVE, key: `lane/${lane}`, bytes });
    }
    if (inputs.length === 0) return;
    const positions = await host.log.append(inputs);
    for (const { offset } of positions) this.#mine.add(offset);
    const last = Math.max(...positions.map(({ offset }) => offset));
    while (this.#nextSequence <= last && !this.#isStopped)
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  async #archive(cut: Cut): Promise<void> {
    const { store } = this.#parts;
    if (this.#tree.size !== cut.treeSize - (cut.to - cut.from))
      throw new InvariantViolation(`the tree has ${this.#tree.size} leaves before ${cut.treeSize}`);
    const records = await this.#recordsOf(cut);
    const archived = await this.#withColumns(cut, records);
    const tree = appendLeaves(this.#tree, records.map(leafHash));
    await store.archive({
      cut,
      records: archived,
      tree: { root: rootOf(tree), frontier: tree.hashes },
    });
    this.#tree = tree;
    this.#archivedThrough = cut.sequence;
    this.#mine.delete(cut.sequence);
  }

  async #withColumns(cut: Cut, records: readonly LogRecord[]): Promise<readonly ArchivedRecord[]> {
    const judged = records.map((record) => {
      const event = decodeEvent(record.bytes);
      const ignored = this.#parts.host.ignoredAt(record);
      return { record, event: 'undecodable' in event ? null : event, ignored };
    });
    if (this.#seen.get(cut.lane) !== cut.from || this.#remembered.size > REMEMBERED_MAX)
      this.#remembered.clear();
    const named = judged.map(({ event }) =>
      event && 'paymentId' in event.data ? event.data.paymentId : '',
    );
    const unknown = new Set(named.filter((id) => id !== '' && !this.#remembered.has(id)));
    for (const [id, columns] of await this.#parts.store.columnsOf([...unknown]))
      this.#remembered.set(id, columns);
    this.#seen.set(cut.lane, cut.to);
    return judged.map(({ record, event, ignored }) => {
      const paymentId = event && 'paymentId' in event.data ? event.data.paymentId : '';
      const columns = columnsOf({ event, ignored }, this.#remembered.get(paymentId));
      if (paymentId !== '' && ignored === null)
        this.#remembered.set(paymentId, paymentColumnsOf(columns));
      return { record, columns, openings: event ? openingsOf(record.openings, event.data) : [] };
    });
  }

  /** Another recorder's cut may begin or end elsewhere; what stands in the log does not change. */
  async #recordsOf({ lane, from, to }: Cut): Promise<readonly LogRecord[]> {
    const kept = this.#kept.get(lane);
    this.#kept.delete(lane);
    const isWhole = kept?.[0]?.offset === from && kept.length >= to - from;
    return isWhole ? kept.slice(0, to - from) : this.#read(lane, from, to);
  }

  async #read(lane: LaneId, from: number, to: number): Promise<readonly LogRecord[]> {
    const records: LogRecord[] = [];
    while (from + records.length < to) {
      const at = from + records.length;
      const some = await this.#parts.host.log.read(lane, at, Math.min(READ_RECORDS_MAX, to - at));
      if (some.length === 0)
        throw new Fault('log_shorter', `lane ${lane} ends at ${at}`, { retryable: false });
      records.push(...some);
      await turn();
    }
    return records;
  }
}
