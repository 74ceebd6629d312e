import {
  type EventName,
  type EventOf,
  type RefusalCode,
  type Undecodable,
  decodeEvent,
  isLaneEvent,
} from '@countersign/contracts';
import { InvariantViolation } from '@countersign/kernel';
import {
  EMPTY_CONTROL,
  EMPTY_HEAD,
  type FoldLane,
  type LaneState,
  type Payment,
  type SetAside,
  type Task,
  emptyAgent,
  emptyLane,
  foldLane,
  laneOfPayment,
  quarantining,
} from '@countersign/payment';
import {
  CONTROL,
  type EventLog,
  type LogRecord,
  type Position,
  type StateStore,
} from '@countersign/ports';
import { ControlFold } from './control-fold.ts';
import { type Link, linked } from './link.ts';
import { isForged } from './person-key.ts';
import type { Folded } from './read-backs.ts';
import { type KeptBeside, type Restored, SavedFold } from './saved-fold.ts';
import { StateCache } from './state-cache.ts';
import {
  type OwnEvent,
  type TrustedKeys,
  isGenuine,
  isGenuineElsewhere,
  isKnownGenuine,
} from './statements.ts';

/** Records between two saves: each writes what changed since the one before. */
const SAVE_EACH = 512;
const PAGE = 512;
/** Own records waited for; a log gives them back at once, or somebody else reads it first. */
const EXPECTED_MAX = 4_096;

export interface StateOptions {
  /** Where the fold is kept between starts, and all of it that need not be in memory. Its owner closes it. */
  readonly state?: StateStore;
  /** Records between two saves. */
  readonly saveEach?: number;
  /** Whether other threads verify what stands in the log at start. A world that owns time has none. */
  readonly threads?: boolean;
  /** The fold of a lane's records, where a world puts a bug into it. */
  readonly fold?: FoldLane;
}

interface Expected {
  readonly bytes: Uint8Array;
  /** What decoding the bytes gives. */
  readonly event: EventOf<EventName>;
  /** Whether it was found to be its service's, where that was looked into already. */
  readonly genuine?: boolean;
}

interface Ignored {
  readonly code: RefusalCode;
  readonly event?: EventOf<EventName>;
}

/** Told what each record did, once it is folded. */
export interface FoldListeners {
  /** @param event what the record says; undefined where it is undecodable. */
  onRecord(record: LogRecord, folded: Folded, event: EventOf<EventName> | undefined): void;
  onTouched(payments: readonly Payment[], lane: LaneState): void;
  /** A record may have changed what is owed for the task. */
  onTask(task: Task): void;
  /** After each record of `control`, and after each mark. */
  onControl(): void;
  /** The fold threw, and the agent is quarantined. */
  onSetAside(setAside: SetAside, at: Position): void;
}

/** The state of every lane and of `control`, record by record, as far as it was given them. */
export class LogFold {
  readonly lanes: readonly LaneState[];
  readonly control: ControlFold;
  readonly cache: StateCache;
  readonly #log: EventLog;
  readonly #trusted: TrustedKeys;
  readonly #listeners: FoldListeners;
  readonly #saved: SavedFold;
  readonly #saveEach: number;
  readonly #foldLaneRecord: FoldLane;
  readonly #links = new Map<string, Link>();
  /** By lane: records that wait for `control`. */
  readonly #held: LogRecord[][];
  /** Agents that may have changed since the last save, by lane: a record may name one in a lane that is not its own. */
  readonly #changedAgents = new Map<number, Set<string>>();
  /** By position: records that are about to be folded, with what is known of them already. */
  readonly #expected = new Map<string, Expected>();
  #unsaved = 0;
  /** What was saved is all here; before that, saving would put less in its place. */
  #isRestored = false;

  constructor(
    log: EventLog,
    trusted: TrustedKeys,
    listeners: FoldListeners,
    { state, saveEach = SAVE_EACH, fold = foldLane }: StateOptions,
  ) {
    this.#log = log;
    this.#trusted = trusted;
    this.#listeners = listeners;
    this.#saveEach = saveEach;
    this.#foldLaneRecord = quarantining(fold);
    this.cache = new StateCache(state);
    this.control = new ControlFold(trusted, this.cache.orders);
    this.#saved = new SavedFold(this.cache, log, trusted);
    this.lanes = Array.from({ length: log.laneCount }, (_, lane) =>
      emptyLane(lane, log.laneCount, EMPTY_CONTROL, this.cache.tablesOf),
    );
    this.#held = this.lanes.map(() => []);
  }

  /** Running hash of a lane or of `control`. */
  head(lane: string): string {
    if (lane === CONTROL) return this.control.head;
    return this.#links.get(lane)?.head ?? EMPTY_HEAD;
  }

  lane(index: number): LaneState {
    const lane = this.lanes[index];
    if (!lane) throw new InvariantViolation(`no lane ${index}`);
    return lane;
  }

  /** Offset of the next record to be delivered, counting those that wait for control. */
  nextOf(name: string): number {
    return this.foldedNext(name) + (name === CONTROL ? 0 : (this.#held[Number(name)]?.length ?? 0));
  }

  foldedNext(name: string): number {
    return name === CONTROL ? this.control.view.offset + 1 : this.lane(Number(name)).next;
  }

  /**
   * Takes up the fold where it was saved last.
   *
   * @throws Fault `log_shorter` or `log_changed` when the log is not the one that was folded before.
   */
  async restore(): Promise<void> {
    const restored = await this.#saved.restore();
    if (restored) await this.#resume(restored);
    this.#isRestored = true;
  }

  async #resume(restored: Restored): Promise<void> {
    if (restored.control) this.control.resume(restored.control);
    const through = Math.max(-1, ...restored.lanes.map((lane) => lane.through));
    while (this.control.view.offset < through) {
      const records = await this.#log.read(CONTROL, this.control.view.offset + 1, PAGE);
      if (records.length === 0) throw new InvariantViolation(`control ends before ${through}`);
      for (const record of records) this.#foldControl(record);
    }
    for (const { lane, next, atMs, through: seen, head, leaf } of restored.lanes) {
      const point = this.control.at(seen);
      if (!point) throw new InvariantViolation(`control at ${seen} is not known`);
      Object.assign(this.lane(lane), { next, atMs, through: seen, view: point.view });
      this.#links.set(String(lane), { head, leaf });
    }
    for (const { lane, agent } of restored.agents) {
      const empty = emptyAgent(agent.tenant, agent.agent, this.cache.tablesOf);
      const { agents } = this.lane(lane);
      agents.set(`${agent.tenant}/${agent.agent}`, Object.assign(empty, agent));
    }
  }

  keepBeside(name: string, kept: KeptBeside): void {
    this.#saved.keepBeside(name, kept);
  }

  /** A record of this process stands in the log: if it is read back with the very same bytes, it need not be decoded. */
  expect({ lane, offset }: Position, encoded: OwnEvent): void {
    const { bytes, event } = encoded;
    if (lane === CONTROL || !event || offset < this.nextOf(lane)) return;
    if (this.#expected.size >= EXPECTED_MAX)
      this.#expected.delete(this.#expected.keys().next().value ?? '');
    const known = isKnownGenuine(this.#trusted, encoded) && { genuine: true };
    this.#expected.set(`${lane}:${offset}`, { bytes, event, ...known });
  }

  /** Decodes records that are soon to be taken, and has their signatures verified on other threads. Never rejects. */
  async prepare(records: readonly LogRecord[]): Promise<void> {
    const verified = records.map(async ({ lane, offset, stampMs, bytes }) => {
      if (lane === CONTROL) return;
      const event = decodeEvent(bytes);
      if ('undecodable' in event) return;
      const genuine = await isGenuineElsewhere(this.#trusted, event, stampMs);
      this.#expected.set(`${lane}:${offset}`, {
        bytes,
        event,
        ...(genuine !== undefined && { genuine }),
      });
    });
    await Promise.all(verified);
  }

  /** Folds one record; one that was folded before is passed over. */
  take(record: LogRecord): void {
    if (record.offset < this.nextOf(record.lane)) return;
    const held = this.#held[Number(record.lane)];
    if (record.lane !== CONTROL && held && held.length > 0) {
      held.push(record);
      return;
    }
    this.#fold(record);
  }

  /** Saves when enough has changed, or everything before an orderly end. Only between two records. */
  save(isLast: boolean): void {
    if (!this.cache.store || !this.#isRestored || (!isLast && this.#unsaved < this.#saveEach))
      return;
    const { lanes, control } = this;
    const [links, changedAgents] = [this.#links, this.#changedAgents];
    this.#saved.save({ lanes, links, control, changedAgents, isLast });
    changedAgents.clear();
    this.#unsaved = 0;
  }

  #fold(record: LogRecord): void {
    const expected = this.foldedNext(record.lane);
    if (record.offset !== expected)
      throw new InvariantViolation(
        `lane ${record.lane}: offset ${record.offset} where ${expected} was due`,
      );
    if (record.lane === CONTROL) this.#foldControl(record);
    else this.#foldLane(record);
  }

  #foldControl(record: LogRecord): void {
    const { code, event } = this.control.take(record);
    this.#done(record, { applied: code === null, code, paymentId: null }, event);
    this.#release();
    this.#listeners.onControl();
  }

  #foldLane(record: LogRecord): void {
    const lane = this.lane(Number(record.lane));
    const { event, genuine } = this.#decoded(record);
    if ('undecodable' in event || !isLaneEvent(event)) {
      this.#pass(lane, record, { code: 'undecodable' });
      return;
    }
    const isTheirs = event.name !== 'approval.granted' || !isForged(lane.view, event.data);
    if (!isTheirs || !(genuine ?? isGenuine(this.#trusted, event, record.stampMs))) {
      this.#pass(lane, record, { code: 'not_genuine', event });
      return;
    }
    if (event.name === 'mark.made' && event.data.through > this.control.view.offset) {
      // Only this lane waits: control has not come that far yet.
      this.#held[lane.lane]?.push(record);
      return;
    }
    const controlAt = (offset: number) => this.control.at(offset)?.view;
    const judged = this.#foldLaneRecord(lane, record.stampMs, event, controlAt);
    const code = judged.applied ? null : judged.code;
    const named = 'paymentId' in event.data ? event.data.paymentId : null;
    for (const id of event.name === 'outcome.recorded' ? event.data.payments : [named])
      if (id !== null && laneOfPayment(id) === lane.lane)
        this.cache.named(id, { offset: record.offset, code });
    if ('tenant' in event.data) this.#changed(event.data, lane);
    for (const it of judged.setAside ?? []) {
      this.#changed(it, lane);
      this.#listeners.onSetAside(it, { lane: record.lane, offset: record.offset });
    }
    const paymentId = judged.applied ? named : (judged.paymentId ?? named);
    this.#done(record, { applied: judged.applied, code, paymentId }, event);
    if (judged.applied) this.#touch(judged.touched, lane);
    if (judged.applied && judged.task) this.#listeners.onTask(judged.task);
    if (event.name !== 'mark.made') return;
    this.control.forget(Math.min(...this.lanes.map(({ through }) => through)));
    this.#listeners.onControl();
  }

  #decoded(
    record: LogRecord,
  ): Pick<Expected, 'genuine'> & { event: EventOf<EventName> | Undecodable } {
    const position = `${record.lane}:${record.offset}`;
    const expected = this.#expected.get(position);
    this.#expected.delete(position);
    if (expected && Buffer.compare(expected.bytes, record.bytes) === 0) return expected;
    return { event: decodeEvent(record.bytes) };
  }

  /** A record that is nobody's: the lane moves on, nothing else does. */
  #pass(lane: LaneState, record: LogRecord, why: Ignored): void {
    lane.next += 1;
    lane.atMs = Math.max(lane.atMs, record.stampMs);
    this.#done(record, { applied: false, code: why.code, paymentId: null }, why.event);
  }

  #touch(payments: readonly Payment[], lane: LaneState): void {
    if (payments.length === 0) return;
    for (const payment of payments) this.#changed(payment, lane);
    this.#listeners.onTouched(payments, lane);
  }

  #changed({ tenant, agent }: { tenant: string; agent: string }, { lane }: LaneState): void {
    const owners = this.#changedAgents.get(lane) ?? new Set();
    this.#changedAgents.set(lane, owners.add(`${tenant}/${agent}`));
  }

  /** Lanes that waited for control go on as far as they can. */
  #release(): void {
    for (const [index, held] of this.#held.entries()) {
      if (held.length === 0) continue;
      this.#held[index] = [];
      for (const record of held) this.take(record);
    }
  }

  #done(record: LogRecord, result: Folded, event: EventOf<EventName> | undefined): void {
    if (record.lane !== CONTROL)
      this.#links.set(record.lane, linked(this.head(record.lane), record));
    if (result.code !== null)
      this.cache.ignored.set(`${record.lane}:${record.offset}`, result.code);
    this.#unsaved += 1;
    this.#listeners.onRecord(record, result, event);
  }
}
