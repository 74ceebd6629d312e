import type { EventData, LaneEvent, RefusalCode } from '@countersign/contracts';
import { type ControlView, type TenantView, tenantOf } from './tenant.ts';
import { walletFor } from './facts.ts';
import { laneOf, paymentIdOf, sameTerms } from './ids.ts';
import type { LifeContext, LifeEvent } from './life-steps.ts';
import { frozenAt, live, reconsidered, walletStopped } from './life.ts';
import { type SettlementOutcome, noteOutcome } from './facilitators.ts';
import { type Payment, isResolved, nothingBackSinceMs } from './payment.ts';
import { isStopped, stopsOf } from './standing-stops.ts';
import { type SetAside, isBug } from './set-aside.ts';
import {
  type SessionHolder,
  type SessionRecord,
  countInSession,
  factsOfSession,
  foldSession,
  isSessionRecord,
} from './session.ts';
import {
  type AgentTables,
  KEY_KEPT_MS,
  type Purchase,
  type TablesOf,
  tablesInMemory,
} from './tables.ts';
import {
  type TaskHolder,
  type TaskRecord,
  foldTask,
  isTaskRecord,
  noteOnTask,
} from './task-records.ts';
import { type Task, countPayment, factsOfTask } from './task.ts';
import { stoppedWallets } from './wallets.ts';

/**
 * Most payments of one agent under way at a time, neither delivered nor ended: a burst of failing sellers cannot lock a
 * shared budget. Delivered ones that wait for finality are not counted; there may be thousands.
 */
export const OPEN_PAYMENTS_MAX = 256;

export interface Agent extends AgentTables, TaskHolder, SessionHolder {
  readonly tenant: string;
  readonly agent: string;
  frozen: boolean;
  /** The fold threw on a record of this agent: its records count no more, and nothing of it is worked on. */
  quarantined: boolean;
  /** Ids of payments that have not ended, or whose reservation has not. */
  readonly open: Set<string>;
  /** Ids of payments neither delivered nor ended. */
  readonly underWay: Set<string>;
  /** Ids of settled payments of which nothing came back. */
  readonly nothingBack: Set<string>;
  /** What became of the last payments that each facilitator was to settle. */
  readonly facilitators: Map<string, readonly SettlementOutcome[]>;
}

/** One lane folded up to, not including, `next`. Mutated by {@link foldLane} and by nothing else. */
export interface LaneState {
  readonly lane: number;
  readonly laneCount: number;
  /** Offset of the next record. */
  next: number;
  /** Highest log time so far. */
  atMs: number;
  /** Offset of `control` this lane has seen; -1 before the first mark. */
  through: number;
  view: ControlView;
  readonly agents: Map<string, Agent>;
  readonly tablesOf: TablesOf;
}

/** What a record did. `touched` are the payments whose debts may have changed. */
export type Judgement = (
  | { readonly applied: true; readonly touched: readonly Payment[]; readonly task?: Task }
  | { readonly applied: false; readonly code: RefusalCode; readonly paymentId?: string }
) & {
  /** Agents that are quarantined because of it. */
  readonly setAside?: readonly SetAside[];
};

const ignore = (code: RefusalCode, paymentId?: string): Judgement => ({
  applied: false,
  code,
  ...(paymentId !== undefined && { paymentId }),
});
const NOTHING_TOUCHED: Judgement = { applied: true, touched: [] };

export function emptyLane(
  lane: number,
  laneCount: number,
  view: ControlView,
  tablesOf: TablesOf = tablesInMemory,
): LaneState {
  return { lane, laneCount, next: 0, atMs: 0, through: -1, view, agents: new Map(), tablesOf };
}

/**
 * Folds one record into its lane: applied, or ignored with a code. Every service does this for every lane, with this
 * one function, and so they agree without asking each other.
 *
 * @param stampMs the log's own time of the record; the lane's time never goes back.
 * @param controlAt `control` folded up to and including an offset. Called only for offsets a mark names.
 */
export function foldLane(
  lane: LaneState,
  stampMs: number,
  event: LaneEvent,
  controlAt: (offset: number) => ControlView | undefined,
): Judgement {
  lane.next += 1;
  lane.atMs = Math.max(lane.atMs, stampMs);
  if (event.name === 'mark.made') return mark(lane, event.data, controlAt);
  const { tenant, agent: name } = event.data;
  if (laneOf(tenant, name, lane.laneCount) !== lane.lane) return ignore('wrong_lane');
  const view = tenantOf(lane.view, tenant);
  if (!view.agents.has(name)) return ignore('agent_unknown');
  const agent = madeAgent(lane, tenant, name);
  if (agent.quarantined) return ignore('agent_quarantined');
  if (isTaskRecord(event)) return onTaskRecord(lane, agent, event);
  if (isSessionRecord(event)) return onSessionRecord(lane, agent, event);
  switch (event.name) {
    case 'intent.submitted':
      return submit(lane, agent, event);
    case 'agent.frozen':
      // Repeated, it stops what was proposed under the first one: whoever ordered it was told that everything stops.
      if (agent.frozen && agent.open.size === 0) return ignore('duplicate');
      agent.frozen = true;
      return { applied: true, touched: freezeAll(agent, lane.atMs) };
    case 'agent.unfrozen':
      if (agent.orders.has(event.id)) return ignore('duplicate');
      agent.orders.add(event.id);
      if (!agent.frozen) return ignore('not_frozen');
      agent.frozen = false;
      // What was proposed under the freeze ends with it, decided by then or not: it is to be proposed again.
      return { applied: true, touched: freezeAll(agent, lane.atMs) };
    default:
      return onPayment(lane, agent, view, event);
  }
}

/** The agent's state for reading; empty for one that has no records here. Only the fold makes an agent. */
export function agentOf(lane: LaneState, tenant: string, name: string): Agent {
  return lane.agents.get(`${tenant}/${name}`) ?? emptyAgent(tenant, name, tablesInMemory);
}

/** Sets an agent aside after the fold threw on one of its records. */
export function quarantine(lane: LaneState, tenant: string, name: string): void {
  madeAgent(lane, tenant, name).quarantined = true;
}

function madeAgent(lane: LaneState, tenant: string, name: string): Agent {
  const key = `${tenant}/${name}`;
  const agent = lane.agents.get(key) ?? emptyAgent(tenant, name, lane.tablesOf);
  lane.agents.set(key, agent);
  return agent;
}

/** An agent without records; with what its tables hold. */
export function emptyAgent(tenant: string, name: string, tablesOf: TablesOf): Agent {
  return {
    ...tablesOf(tenant, name),
    tenant,
    agent: name,
    frozen: false,
    quarantined: false,
    open: new Set(),
    underWay: new Set(),
    tasks: new Set(),
    taskBooks: new Map(),
    openSessions: new Set(),
    nothingBack: new Set(),
    facilitators: new Map(),
  };
}

/** What a payment's records are judged against, as the lane stands. */
export function contextOf(
  lane: LaneState,
  agent: Agent,
  view: TenantView,
  payment: Payment,
): LifeContext {
  const { intent, quote, resource } = payment;
  const { wallet } = walletFor(view, { ...intent, quote, resource });
  return {
    atMs: lane.atMs,
    through: lane.through,
    policyHash: view.active?.hash ?? null,
    epoch: view.epoch,
    frozen: agent.frozen || isStopped(view, agent.agent),
    wallet: wallet ? { id: wallet.id, address: wallet.address } : null,
  };
}

/** How intake will find an intent judged; also what the fold does with it, so that both always agree. */
export type SubmissionOutlook =
  | { readonly kind: 'new'; readonly ordinal: number }
  /** The same purchase is unresolved under the same terms: it is that payment. */
  | { readonly kind: 'same'; readonly paymentId: string; readonly known: boolean }
  | { readonly kind: 'refused'; readonly code: RefusalCode; readonly paymentId?: string };

/**
 * Purchase identity: what an intent means, given what this agent bought before.
 *
 * @param atMs log time; an idempotency key is forgotten {@link KEY_KEPT_MS} after its first use.
 */
export function outlook(
  agent: Agent,
  atMs: number,
  intent: Pick<
    EventData<'intent.submitted'>,
    'purchase' | 'idempotencyKeyDigest' | 'requestDigest' | 'quote' | 'again'
  >,
): SubmissionOutlook {
  if (agent.quarantined) return { kind: 'refused', code: 'agent_quarantined' };
  const key = intent.idempotencyKeyDigest;
  const named = key === undefined ? undefined : agent.keys.get(key);
  if (named && atMs <= named.atMs + KEY_KEPT_MS)
    return named.requestDigest === intent.requestDigest
      ? { kind: 'same', paymentId: named.paymentId, known: true }
      : { kind: 'refused', code: 'idempotency_key_reused', paymentId: named.paymentId };
  const before = agent.purchases.get(intent.purchase);
  const last = lastUnresolved(agent, before);
  if (last && !intent.again) {
    return sameTerms(last.quote, intent.quote)
      ? { kind: 'same', paymentId: last.id, known: key === undefined }
      : { kind: 'refused', code: 'payment_unresolved', paymentId: last.id };
  }
  if (agent.underWay.size >= OPEN_PAYMENTS_MAX)
    return { kind: 'refused', code: 'too_many_open_payments' };
  return { kind: 'new', ordinal: before?.nextOrdinal ?? 0 };
}

/** The newest payment for a purchase that is still unresolved: a later attempt that was denied does not resolve it. */
function lastUnresolved(agent: Agent, purchase: Purchase | undefined): Payment | undefined {
  return purchase?.unresolved
    .map((id) => agent.payments.get(id))
    .findLast((payment) => payment !== undefined && !isResolved(payment));
}

function submit(
  lane: LaneState,
  agent: Agent,
  event: Extract<LaneEvent, { name: 'intent.submitted' }>,
): Judgement {
  const { data } = event;
  const { atMs } = lane;
  const seen = outlook(agent, atMs, data);
  if (seen.kind === 'refused') return ignore(seen.code, seen.paymentId);
  const key = data.idempotencyKeyDigest;
  if (seen.kind === 'same') {
    if (seen.known || key === undefined) return ignore('duplicate', seen.paymentId);
    agent.keys.set(key, { paymentId: seen.paymentId, requestDigest: data.requestDigest, atMs });
    return NOTHING_TOUCHED;
  }
  if (data.ordinal !== seen.ordinal) return ignore('stale_ordinal');
  if (data.paymentId !== paymentIdOf(lane.lane, data, data.purchase, data.ordinal))
    return ignore('wrong_id');
  const payment: Payment = {
    id: data.paymentId,
    tenant: data.tenant,
    agent: data.agent,
    intent: data,
    intentId: event.id,
    submittedAtMs: lane.atMs,
    round: 0,
    quote: data.quote,
    resource: data.resource,
    quotedAtMs: lane.atMs,
    quoteRecordId: event.id,
    phase: { status: 'undecided', completed: null },
    taskTerms: factsOfTask(taskOf(agent, data.asserted.task)),
    session: factsOfSession(agent, data.asserted.session, atMs),
    reserved: null,
    delivered: false,
    outcome: null,
    reservationEnded: false,
    alerts: [],
  };
  const unresolved = (agent.purchases.get(data.purchase)?.unresolved ?? []).filter((id) => {
    const earlier = agent.payments.get(id);
    return earlier !== undefined && !isResolved(earlier);
  });
  agent.purchases.set(data.purchase, {
    nextOrdinal: seen.ordinal + 1,
    unresolved: [...unresolved, payment.id],
  });
  if (key !== undefined)
    agent.keys.set(key, { paymentId: payment.id, requestDigest: data.requestDigest, atMs });
  return { applied: true, touched: [put(agent, payment)] };
}

function onPayment(lane: LaneState, agent: Agent, view: TenantView, event: LifeEvent): Judgement {
  const payment = agent.payments.get(event.data.paymentId);
  if (!payment) return ignore('payment_unknown');
  const judged = live(payment, event, contextOf(lane, agent, view, payment));
  if (!judged.applied) return ignore(judged.code, payment.id);
  const task = taskOf(agent, payment.intent.asserted.task);
  if (task) noteOnTask(task, event);
  // A claim is decided on task and session as they stand then, not as they stood when people were asked.
  const now =
    event.name === 'payment.claimed'
      ? {
          ...judged.payment,
          taskTerms: factsOfTask(task),
          session: factsOfSession(agent, payment.intent.asserted.session, lane.atMs),
        }
      : judged.payment;
  return { applied: true, touched: [put(agent, now)], ...(task && { task }) };
}

function onTaskRecord(lane: LaneState, agent: Agent, event: TaskRecord): Judgement {
  const judged = foldTask(agent, event, { atMs: lane.atMs, offset: lane.next - 1 });
  if (judged.code !== null) return ignore(judged.code);
  const { task } = judged;
  const touched = judged.payments.map((payment) => put(agent, payment));
  return { applied: true, touched, ...(task && { task }) };
}

function onSessionRecord(lane: LaneState, agent: Agent, event: SessionRecord): Judgement {
  const judged = foldSession(agent, event, lane.atMs);
  if (typeof judged === 'string') return ignore(judged);
  return { applied: true, touched: judged.map((payment) => put(agent, payment)) };
}

function taskOf(agent: Agent, name: string | undefined): Task | undefined {
  return name === undefined ? undefined : agent.taskBooks.get(name);
}

function mark(
  lane: LaneState,
  { through, lane: named }: EventData<'mark.made'>,
  controlAt: (offset: number) => ControlView | undefined,
): Judgement {
  if (named !== lane.lane) return ignore('wrong_lane');
  if (through === lane.through) return ignore('duplicate');
  if (through < lane.through) return ignore('mark_backwards');
  const view = controlAt(through);
  if (!view) return ignore('control_outrun');
  const before = lane.view;
  lane.view = view;
  lane.through = through;
  const touched: Payment[] = [];
  const setAside: SetAside[] = [];
  for (const agent of lane.agents.values()) {
    if (agent.quarantined) continue;
    try {
      touched.push(...marked(agent, before, lane));
    } catch (error) {
      if (!isBug(error)) throw error;
      agent.quarantined = true;
      setAside.push({ tenant: agent.tenant, agent: agent.agent, error });
    }
  }
  return { applied: true, touched, ...(setAside.length > 0 && { setAside }) };
}

/** What the lane now sees of control means for the agent's open payments. */
function marked(agent: Agent, before: ControlView, { view, atMs }: LaneState): Payment[] {
  const was = tenantOf(before, agent.tenant);
  const is = tenantOf(view, agent.tenant);
  const name = agent.agent;
  if (isStopped(was, name) || isStopped(is, name) || stopsOf(is, name) > stopsOf(was, name))
    return freezeAll(agent, atMs);
  if (was === is) return [];
  const stopped = stoppedWallets(is.wallets.values());
  return updateOpen(agent, (it) => walletStopped(reconsidered(it), stopped));
}

function freezeAll(agent: Agent, atMs: number): Payment[] {
  return updateOpen(agent, (payment) => frozenAt(payment, atMs));
}

/** Every open payment of the agent is touched, changed or not: what is owed for it depends on the lane's view. */
function updateOpen(agent: Agent, update: (payment: Payment) => Payment): Payment[] {
  return [...agent.open].flatMap((id) => {
    const payment = agent.payments.get(id);
    return payment ? [put(agent, update(payment))] : [];
  });
}

function put(agent: Agent, payment: Payment): Payment {
  const before = agent.payments.get(payment.id);
  countInSession(agent, before, payment);
  countPayment((name) => agent.taskBooks.get(name), before, payment);
  agent.payments.set(payment.id, payment);
  const ended = payment.phase.status === 'ended';
  if (ended && before?.phase.status !== 'ended') noteOutcome(agent.facilitators, payment);
  if (ended && payment.reservationEnded) agent.open.delete(payment.id);
  else agent.open.add(payment.id);
  if (ended || payment.delivered) agent.underWay.delete(payment.id);
  else agent.underWay.add(payment.id);
  if (nothingBackSinceMs(payment) === undefined) agent.nothingBack.delete(payment.id);
  else agent.nothingBack.add(payment.id);
  return payment;
}
