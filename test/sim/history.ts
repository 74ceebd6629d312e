import {
  type EventName,
  type EventOf,
  PolicyDocument,
  decodeEvent,
  isArchiveEvent,
  isControlEvent,
  isLaneEvent,
} from '@countersign/contracts';
import {
  type ControlView,
  EMPTY_CONTROL,
  type FoldLane,
  type LaneState,
  type Payment,
  agentOf,
  emptyLane,
  fixedOf,
  foldControl,
  foldLane,
  laneOf,
  nonceOf,
  quarantining,
  tenantOf,
} from '@countersign/payment';
import { ARCHIVE, CONTROL, type Cut, type LogRecord } from '@countersign/ports';
import { type TrustedKeys, isForged, isGenuine } from '@countersign/service-kit';
import { TRUSTED } from './cast.ts';

/** One record of the true log, with what it is. */
export interface Seen {
  readonly record: LogRecord;
  readonly event: EventOf<EventName> | undefined;
  /** Highest stamp of the lane up to here. */
  readonly laneMs: number;
  /** By a fold of the true log that nothing disturbs. */
  readonly applied: boolean;
  readonly code: string | null;
  /** Signed by the service that may say it; true for records that carry no signature. */
  readonly genuine: boolean;
}

export type SeenOf<N extends EventName> = Seen & { readonly event: EventOf<N> };

/** Where the true log is. */
export interface TrueLog {
  readonly laneCount: number;
  endNow(lane: string): number;
  readNow(lane: string, offset: number, max: number): readonly LogRecord[];
}

/** The true log as it stands, read from the store itself: what every invariant is judged by. */
export class History {
  readonly lanes: Seen[][];
  readonly control: Seen[] = [];
  readonly archive: Seen[] = [];
  /** Cuts that count, in order. */
  readonly cuts: Cut[] = [];
  /** `control` folded up to and including each offset. */
  readonly views: ControlView[] = [];
  /** The undisturbed fold. */
  readonly reference: LaneState[];
  readonly #store: TrueLog;
  readonly #trusted: TrustedKeys;
  readonly #fold: FoldLane;
  /** Ids of all orders that ever stood in control: each counts once. */
  readonly #orders = new Set<string>();
  readonly #ofPayment = new Map<string, Seen[]>();
  readonly #nonces = new Map<string, string>();
  readonly #documents = new Map<string, PolicyDocument>();
  /** By lane: the end of its last cut. */
  readonly #cutEnds = new Map<string, number>();
  readonly #marks: { offset: number; through: number }[][];

  constructor(store: TrueLog, trusted: TrustedKeys = TRUSTED, fold: FoldLane = foldLane) {
    this.#store = store;
    this.#trusted = trusted;
    this.#fold = quarantining(fold);
    const lanes = Array.from({ length: store.laneCount }, (_, lane) => lane);
    this.lanes = lanes.map(() => []);
    this.#marks = lanes.map(() => []);
    this.reference = lanes.map((lane) => emptyLane(lane, store.laneCount, EMPTY_CONTROL));
  }

  /** Reads what was appended since the last call. */
  catchUp(): readonly Seen[] {
    const news: Seen[] = [];
    for (const record of this.#unread(CONTROL, this.control.length)) {
      const seen = this.#takeControl(record);
      this.control.push(seen);
      news.push(seen);
    }
    for (const record of this.#unread(ARCHIVE, this.archive.length)) {
      const seen = this.#takeArchive(record);
      this.archive.push(seen);
      news.push(seen);
    }
    for (const [lane, all] of this.lanes.entries())
      for (const record of this.#unread(String(lane), all.length)) {
        const seen = this.#takeLane(lane, record);
        all.push(seen);
        news.push(seen);
      }
    return news;
  }

  /** Records of a lane, as far as {@link catchUp} came. */
  read(lane: string, offset: number, max: number): readonly LogRecord[] {
    return this.of(lane)
      .slice(offset, offset + max)
      .map((seen) => seen.record);
  }

  /** All of a lane, as far as {@link catchUp} came. */
  of(lane: string): readonly Seen[] {
    if (lane === CONTROL) return this.control;
    return lane === ARCHIVE ? this.archive : (this.lanes[Number(lane)] ?? []);
  }

  /** Every record that names the payment, applied or not. */
  ofPayment(paymentId: string): readonly Seen[] {
    return this.#ofPayment.get(paymentId) ?? [];
  }

  named<N extends EventName>(paymentId: string, name: N): SeenOf<N>[] {
    return this.ofPayment(paymentId).filter((seen): seen is SeenOf<N> => seen.event?.name === name);
  }

  paymentOfNonce(nonce: string): string | undefined {
    return this.#nonces.get(nonce);
  }

  laneOf(owner: { readonly tenant: string; readonly agent: string }): number {
    return laneOf(owner.tenant, owner.agent, this.lanes.length);
  }

  payment(owner: { tenant: string; agent: string }, paymentId: string): Payment | undefined {
    const lane = this.reference[this.laneOf(owner)];
    return lane && agentOf(lane, owner.tenant, owner.agent).payments.get(paymentId);
  }

  /** Whether a record of the agent has broken the fold. */
  isSetAside(owner: { tenant: string; agent: string }): boolean {
    const lane = this.reference[this.laneOf(owner)];
    return lane !== undefined && agentOf(lane, owner.tenant, owner.agent).quarantined;
  }

  /** Whether an agent that is set aside has an authorization of this account under way: it stays so, and holds the wallet. */
  isHeld(address: string): boolean {
    return this.reference.some(({ agents }) =>
      [...agents.values()].some(
        ({ quarantined, open, payments }) =>
          quarantined &&
          [...open].some((id) => {
            const payment = payments.get(id);
            return payment && fixedOf(payment)?.authorization.from === address;
          }),
      ),
    );
  }

  payments(): Payment[] {
    return this.reference.flatMap((lane) =>
      [...lane.agents.values()].flatMap((agent) => [...agent.payments.values()]),
    );
  }

  /** Marks of a lane before an offset, in order. */
  marksBefore(lane: number, offset: number): readonly { offset: number; through: number }[] {
    return (this.#marks[lane] ?? []).filter((mark) => mark.offset < offset);
  }

  /** What a lane saw of control just before an offset. */
  viewBefore(lane: number, offset: number): ControlView {
    const through = this.marksBefore(lane, offset).at(-1)?.through ?? -1;
    return this.views[through] ?? EMPTY_CONTROL;
  }

  /** A policy by its hash, as it was put. */
  document(tenant: string, hash: string): PolicyDocument | undefined {
    const known = this.#documents.get(hash);
    if (known) return known;
    const last = this.views.at(-1) ?? EMPTY_CONTROL;
    const put = [...tenantOf(last, tenant).policies.values()].find((it) => it.hash === hash);
    if (!put) return undefined;
    const document = PolicyDocument.parse(JSON.parse(put.text));
    this.#documents.set(hash, document);
    return document;
  }

  #unread(lane: string, from: number): readonly LogRecord[] {
    const count = this.#store.endNow(lane) - from;
    return count > 0 ? this.#store.readNow(lane, from, count) : [];
  }

  #takeControl(record: LogRecord): Seen {
    const event = decoded(record);
    const before = this.views.at(-1) ?? EMPTY_CONTROL;
    const genuine = !event || isGenuine(this.#trusted, event, record.stampMs);
    const isRepeat = event !== undefined && this.#orders.has(event.id);
    const mayCount = event && isControlEvent(event) && genuine && !isRepeat;
    if (event && mayCount) this.#orders.add(event.id);
    const judged = mayCount
      ? foldControl(before, record, event)
      : {
          applied: false as const,
          code: isRepeat ? 'duplicate' : codeOf(event !== undefined && isControlEvent(event)),
          view: { ...before, offset: record.offset },
        };
    this.views.push(judged.view);
    const code = judged.applied ? null : judged.code;
    const laneMs = Math.max(record.stampMs, this.control.at(-1)?.laneMs ?? 0);
    return { record, event, laneMs, applied: judged.applied, code, genuine };
  }

  /** A cut counts where it continues both its lane and the tree. */
  #takeArchive(record: LogRecord): Seen {
    const event = decoded(record);
    const genuine = !event || isGenuine(this.#trusted, event, record.stampMs);
    const laneMs = Math.max(record.stampMs, this.archive.at(-1)?.laneMs ?? 0);
    const seen = { record, event, laneMs, applied: false, code: null, genuine };
    if (!event || !isArchiveEvent(event) || !genuine)
      return { ...seen, code: codeOf(event !== undefined && isArchiveEvent(event)) };
    const { lane, from, to, treeSize } = event.data;
    const isNext = from === (this.#cutEnds.get(lane) ?? 0) && to > from;
    if (!isNext || treeSize !== (this.cuts.at(-1)?.treeSize ?? 0) + to - from)
      return { ...seen, code: 'stale_cut' };
    this.#cutEnds.set(lane, to);
    this.cuts.push({ sequence: record.offset, lane, from, to, treeSize });
    return { ...seen, applied: true };
  }

  #takeLane(index: number, record: LogRecord): Seen {
    const event = decoded(record);
    const lane = this.reference[index];
    if (!lane) throw new RangeError(`no lane ${index}`);
    const isTheirs = event?.name !== 'approval.granted' || !isForged(lane.view, event.data);
    const genuine = !event || (isTheirs && isGenuine(this.#trusted, event, record.stampMs));
    if (!event || !isLaneEvent(event) || !genuine) {
      lane.next += 1;
      lane.atMs = Math.max(lane.atMs, record.stampMs);
      const seen = {
        record,
        event,
        laneMs: lane.atMs,
        applied: false,
        code: codeOf(event !== undefined && isLaneEvent(event)),
        genuine,
      };
      this.#index(seen);
      return seen;
    }
    const judged = this.#fold(lane, record.stampMs, event, (offset) => this.views[offset]);
    const code = judged.applied ? null : judged.code;
    const seen = { record, event, laneMs: lane.atMs, applied: judged.applied, code, genuine };
    this.#index(seen);
    if (event.name === 'mark.made' && judged.applied)
      this.#marks[index]?.push({ offset: record.offset, through: event.data.through });
    return seen;
  }

  #index(seen: Seen): void {
    const { event, applied } = seen;
    if (!event || !('paymentId' in event.data)) return;
    const { paymentId, tenant } = event.data;
    if (event.name === 'intent.submitted' && applied)
      this.#nonces.set(nonceOf(tenant, paymentId), paymentId);
    const known = this.#ofPayment.get(paymentId);
    if (known) known.push(seen);
    else this.#ofPayment.set(paymentId, [seen]);
  }
}

/** @param isItsPlace whether the record is an event of the kind that stands where it stands. */
function codeOf(isItsPlace: boolean): string {
  return isItsPlace ? 'not_genuine' : 'undecodable';
}

function decoded(record: LogRecord): EventOf<EventName> | undefined {
  const event = decodeEvent(record.bytes);
  return 'undecodable' in event ? undefined : event;
}
