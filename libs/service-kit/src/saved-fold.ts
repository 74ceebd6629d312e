import { deserialize } from 'node:v8';
import { Fault, digestOf } from '@countersign/kernel';
import { type Agent, FOLD_VERSION, type LaneState, leafDigest } from '@countersign/payment';
import { CONTROL, type EventLog } from '@countersign/ports';
import type { ControlFold, ControlPoint } from './control-fold.ts';
import type { Link } from './link.ts';
import { type StateCache, entry } from './state-cache.ts';
import type { TrustedKeys } from './statements.ts';

/** What of an agent is in memory as a whole, beside its tables. */
type AgentInMemory = Omit<Agent, 'payments' | 'purchases' | 'keys' | 'sessions' | 'orders'>;

type SavedLane = Pick<LaneState, 'lane' | 'next' | 'atMs' | 'through'> & Link;

/** A fold as it was saved, proven to be one of this log. */
export interface Restored {
  readonly control: ControlPoint | undefined;
  readonly lanes: readonly SavedLane[];
  readonly agents: Iterable<{ readonly lane: number; readonly agent: AgentInMemory }>;
}

/** What a service keeps apart from the fold, and must not have less of than when the fold was saved. */
export interface KeptBeside {
  /** How much there is of it now. */
  readonly mark: string;
  /** @param mark of some save; undefined for a fold that was saved without it. */
  holds(mark: string | undefined): boolean;
}

/** `control` is written again when it has grown by so many records: it is one value, and changes seldom. */
const CONTROL_EACH = 64;

/** Under this key stands, of every save, which record of `control` was the newest one that had been folded. */
const CONTROL_SEEN = 'control_seen';

/** The fold in the state store: what was folded from where, always of one moment. */
export class SavedFold {
  readonly #cache: StateCache;
  readonly #log: EventLog;
  readonly #madeBy: string;
  readonly #beside = new Map<string, KeptBeside>();
  #controlOffset = -1;

  constructor(cache: StateCache, log: EventLog, trusted: TrustedKeys) {
    this.#cache = cache;
    this.#log = log;
    // Whose signatures count decides what a record did: under other keys it is another fold.
    const keys = [...trusted].map(([keyId, key]) => ({ keyId, ...key }));
    keys.sort((one, other) => (one.keyId < other.keyId ? -1 : 1));
    const { laneCount } = log;
    this.#madeBy = digestOf('countersign/fold/1', { version: FOLD_VERSION, laneCount, keys });
  }

  keepBeside(name: string, kept: KeptBeside): void {
    this.#beside.set(name, kept);
  }

  /**
   * What was saved, unless it was by another version or under other keys, or something is missing that was kept beside
   * it: that is forgotten.
   *
   * @throws Fault `log_changed` or `log_shorter` when the log is not, or no longer, the one that was folded.
   */
  async restore(): Promise<Restored | undefined> {
    const made = this.#read<{ logId: string; by: string }>('fold', 'made');
    if (!made) return undefined;
    if (made.logId !== this.#log.logId)
      throw refusal('log_changed', `the state is of log ${made.logId}, not ${this.#log.logId}`);
    if (made.by !== this.#madeBy || !this.#isBesideWhole()) {
      this.#cache.store?.clear();
      return undefined;
    }
    const control = this.#read<ControlPoint>('fold', CONTROL);
    if (control) await this.#expect(CONTROL, control.view.offset, control.leaf);
    const seen = this.#read<{ offset: number; leaf: string }>('fold', CONTROL_SEEN);
    if (seen) await this.#expect(CONTROL, seen.offset, seen.leaf);
    const saved = [...this.#cache.all('lanes')].map(({ value }) => value as SavedLane);
    for (const { lane, next, leaf } of saved)
      if (next > 0) await this.#expect(String(lane), next - 1, leaf);
    this.#cache.load();
    this.#controlOffset = control?.view.offset ?? -1;
    return { control, lanes: saved, agents: this.#agents() };
  }

  /** Saves everything of this moment, all or nothing, and lets go of what need not be in memory. */
  save(fold: {
    readonly lanes: readonly LaneState[];
    readonly links: ReadonlyMap<string, Link>;
    readonly control: ControlFold;
    /** By lane. */
    readonly changedAgents: ReadonlyMap<number, ReadonlySet<string>>;
    readonly isLast: boolean;
  }): void {
    const { lanes, links, control, changedAgents, isLast } = fold;
    const { puts, deletes } = this.#cache.changes();
    for (const { lane, next, atMs, through } of lanes) {
      const link = links.get(String(lane));
      const value: Omit<SavedLane, keyof Link> = { lane, next, atMs, through };
      if (link) puts.push(entry('lanes', String(lane), { ...value, ...link }));
    }
    for (const [index, owners] of changedAgents)
      for (const owner of owners) {
        const agent = lanes[index]?.agents.get(owner);
        if (!agent) continue;
        const { payments, purchases, keys, sessions, orders, ...inMemory } = agent;
        puts.push(entry('agents', `${index}/${owner}`, { lane: index, agent: inMemory }));
      }
    // Lanes are saved with the mark they saw; what every one of them has passed is the newest that suits all.
    const passed = Math.min(...lanes.map((lane) => lane.through));
    const grown = passed - this.#controlOffset;
    const point = grown >= CONTROL_EACH || (isLast && grown > 0) ? control.at(passed) : undefined;
    if (point) puts.push(entry('fold', CONTROL, point));
    const { offset } = control.view;
    const newest = control.at(offset);
    if (newest && offset >= 0)
      puts.push(entry('fold', CONTROL_SEEN, { offset, leaf: newest.leaf }));
    for (const [name, { mark }] of this.#beside) puts.push(entry('beside', name, mark));
    puts.push(entry('fold', 'made', { logId: this.#log.logId, by: this.#madeBy }));
    // A key ends by its own lane's time: one of a lane that is folded later than others is still in use there.
    const nowMs = Math.min(...lanes.map((lane) => lane.atMs));
    this.#cache.store?.save({ puts, deletes, nowMs });
    this.#cache.saved();
    if (point) this.#controlOffset = passed;
  }

  #isBesideWhole(): boolean {
    return [...this.#beside].every(([name, kept]) => kept.holds(this.#read('beside', name)));
  }

  *#agents(): Generator<{ lane: number; agent: AgentInMemory }> {
    for (const { value } of this.#cache.all('agents'))
      yield value as { lane: number; agent: AgentInMemory };
  }

  async #expect(lane: string, offset: number, leaf: string): Promise<void> {
    const end = await this.#log.end(lane);
    if (offset >= end)
      throw refusal('log_shorter', `lane ${lane} ends at ${end}; ${offset + 1} were folded`);
    const [record] = await this.#log.read(lane, offset, 1);
    if (!record || leafDigest(record) !== leaf)
      throw refusal(
        'log_changed',
        `the record at ${lane}:${offset} is not the one that was folded`,
      );
  }

  #read<T>(collection: string, key: string): T | undefined {
    const bytes = this.#cache.store?.get(collection, key);
    return bytes && (deserialize(bytes) as T);
  }
}

function refusal(code: string, message: string): Fault {
  return new Fault(code, message, { retryable: false });
}
