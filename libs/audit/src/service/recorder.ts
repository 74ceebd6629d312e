import { decodeEvent, encodeEvent, isArchiveEvent } from '@countersign/contracts';
import { Fault, InvariantViolation } from '@countersign/kernel';
import {
  ARCHIVE,
  CONTROL,
  type Archived,
  type Clock,
  type Cut,
  type EventStore,
  type LaneId,
  type LogRecord,
  type StatementKey,
  type Subscription,
} from '@countersign/ports';
import {
  type LaneHost,
  type Log,
  type Timers,
  type TrustedKeys,
  isGenuine,
  signStatement,
} from '@countersign/service-kit';
import { type ArchiveState, EMPTY_ARCHIVE, foldArchive, oneMonth } from '../domain/archive.ts';
import { type Frontier, appendLeaves, leafHash, rootOf } from '../domain/merkle.ts';
import { CutRecords } from './cut-records.ts';

const LOG_SHORTER =
  'it goes further than the log: the log is an older copy of itself, or another. Empty the event store, and it is filled again';
/** Records of one cut: enough for a good insert, few enough to leave the loop to others. */
const CUT_RECORDS_MAX = 10_000;
/** How long another recorder's cut is left to it. */
const PATIENCE_MS = 5_000;
const RETRY_MS = 2_000;
/** Between two looks at whether the store holds what it took. */
const LOOK_MS = 60_000;
const EMPTIED = 'event_store_emptied';
/** Between two looks at whether what is not ours to do yet has been done, for one who waits. */
const LOOK_AGAIN_MS = 100;

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
  /** Where the archive lane ended when we began: before it is read so far, what is to be cut is not known. */
  #claimed = 0;
  /** Cuts that are not in the store yet, in order, and from when on they are ours to insert. */
  readonly #due: { readonly cut: Cut; readonly fromMs: number }[] = [];
  readonly #mine = new Set<number>();
  #tree: Frontier = { size: 0, hashes: [] };
  /** The last cut that is in the tree, and in the store. */
  #archivedThrough = -1;
  readonly #records: CutRecords;
  #subscription: Subscription | undefined;
  /** The store was emptied: what is known here is of what it held before. */
  #isToBegin = false;
  #lookedAtMs = 0;
  #cancelTimer: (() => void) | undefined;
  #working: Promise<Fault | undefined> | undefined;
  #isStopped = false;
  #hasFailed = false;
  readonly #waiting: (() => void)[] = [];

  constructor(parts: RecorderParts) {
    this.#parts = parts;
    this.#records = new CutRecords(parts);
  }

  /**
   * Goes on from where the store ends.
   *
   * @throws Fault `log_shorter` when the store holds what the log has not.
   */
  async start(): Promise<void> {
    await this.#begin();
    this.#schedule(0);
  }

  async #begin(): Promise<void> {
    const { store, host, clock } = this.#parts;
    await this.#subscription?.close();
    this.#due.length = 0;
    this.#mine.clear();
    this.#records.forget();
    const { sequence, treeSize, frontier, ends } = await store.archived();
    this.#lookedAtMs = clock.monotonicMs();
    this.#cuts = { treeSize, ends };
    this.#tree = { size: treeSize, hashes: frontier };
    this.#archivedThrough = sequence;
    this.#nextSequence = sequence + 1;
    const end = await host.log.end(ARCHIVE);
    if (end < this.#nextSequence) throw new Fault('log_shorter', LOG_SHORTER, { retryable: false });
    this.#claimed = end;
    this.#subscription = host.log.subscribe(
      new Map([[ARCHIVE, this.#nextSequence]]),
      // What stood there before we came belongs to nobody who is known to live.
      (records) => records.forEach((record) => this.#takeCut(record, record.offset >= end)),
      (error) => this.#stopFor(error),
    );
    this.#isToBegin = false;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancelTimer?.();
    for (const wake of this.#waiting.splice(0)) wake();
    await this.#working;
    // What was under way may have subscribed anew.
    await this.#subscription?.close();
  }

  /**
   * Puts in all that is folded now, and what comes meanwhile only by the way; for those who ask about what has just
   * happened.
   *
   * @returns how far the store goes.
   * @throws Fault `event_store_unavailable`, `event_store_emptied`, or another that kept it from being put in.
   */
  async flush(): Promise<Archived> {
    const until = this.#folded();
    while (!this.#isStopped && (this.#isToBegin || !this.#hasArchived(until))) {
      this.#cancelTimer?.();
      const fault = await (this.#working ?? this.#work());
      if (fault) throw fault;
      if (this.#due.length > 0 || this.#nextSequence < this.#claimed) await this.#lookAgain();
    }
    return this.#look();
  }

  /** How many folded records are not in the store yet. */
  get waiting(): number {
    if (this.#isToBegin) return [...this.#folded().values()].reduce((sum, end) => sum + end, 0);
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
    if (error instanceof Fault && error.code === EMPTIED) this.#isToBegin = true;
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
    if (this.#isToBegin) await this.#begin();
    await this.#archiveDue();
    if (this.#due.length > 0 || this.#nextSequence < this.#claimed || this.#isStopped) return;
    await this.#propose();
    await this.#archiveDue();
    if (this.#parts.clock.monotonicMs() - this.#lookedAtMs > LOOK_MS) await this.#look();
  }

  /** An engine goes on working at what it took, and may find out long after that it did not keep it. */
  async #look(): Promise<Archived> {
    const { store, clock } = this.#parts;
    const through = this.#archivedThrough;
    try {
      const archived = await store.archived();
      this.#lookedAtMs = clock.monotonicMs();
      if (archived.sequence >= through) return archived;
    } catch (error) {
      if (error instanceof Fault && error.code === EMPTIED) this.#isToBegin = true;
      throw error;
    }
    this.#isToBegin = true;
    const what = `it goes to cut ${through} no more: it was emptied`;
    throw new Fault(EMPTIED, what, { retryable: true });
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
    this.#records.dropKept();
    for (const [lane, from, end] of this.#behind()) {
      const range = { lane, from, to: Math.min(end, from + CUT_RECORDS_MAX) };
      const to = from + oneMonth(await this.#records.readAndKeep(range));
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
    const records = await this.#records.of(cut);
    const tree = appendLeaves(
      this.#tree,
      records.map(({ record }) => leafHash(record)),
    );
    await store.archive({
      cut,
      records,
      tree: { root: rootOf(tree), frontier: tree.hashes },
    });
    this.#tree = tree;
    this.#archivedThrough = cut.sequence;
    this.#mine.delete(cut.sequence);
  }
}
