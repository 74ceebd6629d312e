import type { EventData, EventOf, Facts, RefusalCode, TaskPhase } from '@countersign/contracts';
import type { Payment } from './payment.ts';
import { taskScopeOf } from './reservation.ts';

/** Most costs and outcomes one task may hold: an agent cannot fill the memory of every service. */
const COSTS_MAX = 1_000;
const OUTCOMES_MAX = 1_000;

/** A plan as it was submitted; its text lies beside the record at `offset` of the lane. */
export interface Plan {
  readonly digest: string;
  readonly estimate: bigint | null;
  readonly atMs: number;
  readonly offset: number;
}

export type Cost = Pick<
  EventData<'task.cost_recorded'>,
  'reference' | 'kind' | 'amount' | 'basis' | 'by'
> & { readonly atMs: number };

export type Outcome = Pick<
  EventData<'outcome.recorded'>,
  'reference' | 'payments' | 'result' | 'value' | 'basis' | 'by'
> & { readonly atMs: number };

/** A task and what it has cost, open or done. Amounts in 10^-6 of `unit`. Mutated by the fold and by nothing else. */
export interface Task {
  readonly tenant: string;
  readonly agent: string;
  readonly task: string;
  phase: TaskPhase;
  /** Whether it was ever given a phase or terms; tasks of the first version have neither, and decide nothing. */
  termed: boolean;
  unit: string | null;
  ceiling: bigint | null;
  estimate: bigint | null;
  stopAtPercent: number | null;
  openedBy: string;
  openedAtMs: number;
  /** The newest plan the agent submitted, and the one a person committed. */
  proposed: Plan | null;
  committed: Plan | null;
  /** Digest of the plan that people were last told of. */
  planTold: string | null;
  /** By reference. */
  readonly costs: Map<string, Cost>;
  readonly outcomes: Map<string, Outcome>;
  /** Payments of the task: settled, and reserved but not ended. */
  spent: bigint;
  open: bigint;
  /** Costs that are no payments, by who vouches for them. */
  established: bigint;
  asserted: bigint;
  /** What a payment was denied for since the terms were set. */
  readonly denials: Set<TaskLimit>;
  /** Alerts already raised under these terms, by code. */
  readonly alerts: Set<string>;
}

/** What a task stops at: its ceiling, or a multiple of its estimate. */
export type TaskLimit = 'ceiling' | 'estimate';

/** Records about one task, besides its opening. */
export type TaskEvent = {
  [
    N in
      | 'task.terms_set'
      | 'task.plan_submitted'
      | 'task.plan_committed'
      | 'task.phase_set'
      | 'task.cost_recorded'
      | 'task.alerted'
  ]: EventOf<N>;
}[
  | 'task.terms_set'
  | 'task.plan_submitted'
  | 'task.plan_committed'
  | 'task.phase_set'
  | 'task.cost_recorded'
  | 'task.alerted'];

/** Where and when a record stands in its lane. */
export interface Stand {
  readonly atMs: number;
  readonly offset: number;
}

/** Opens a task, or opens it again: what it cost before stays with its name. */
export function opened(
  known: Task | undefined,
  { data }: EventOf<'task.opened'>,
  atMs: number,
): Task | RefusalCode {
  if (known && hasOtherUnit(known, data.unit)) return 'wrong_unit';
  const task = known ?? emptyTask(data);
  task.phase = data.phase ?? 'executing';
  task.termed ||= data.phase !== undefined;
  task.openedBy = data.by;
  task.openedAtMs = atMs;
  task.proposed = task.committed = null;
  setTerms(task, data);
  return task;
}

/** Applies a record to its task, and returns why not where it does not apply. */
export function onTask(task: Task, event: TaskEvent, { atMs, offset }: Stand): RefusalCode | null {
  switch (event.name) {
    case 'task.terms_set':
      if (hasOtherUnit(task, event.data.unit)) return 'wrong_unit';
      task.termed = true;
      setTerms(task, event.data);
      return null;
    case 'task.plan_submitted': {
      if (task.phase !== 'exploring') return 'wrong_phase';
      const { plan, estimate } = event.data;
      const digest = plan.commitment;
      task.proposed = { digest, estimate: numberOf(estimate), atMs, offset };
      return null;
    }
    case 'task.plan_committed':
      if (task.phase !== 'exploring') return 'wrong_phase';
      if (task.proposed?.digest !== event.data.plan) return 'plan_changed';
      task.committed = task.proposed;
      task.phase = 'planned';
      return null;
    case 'task.phase_set':
      return setPhase(task, event.data.to);
    case 'task.cost_recorded':
      return recordCost(task, event.data, atMs);
    case 'task.alerted':
      if (event.data.plan !== undefined) return planTold(task, event.data.plan);
      if (task.alerts.has(event.data.code)) return 'duplicate';
      task.alerts.add(event.data.code);
      return null;
  }
}

/** Keeps an outcome with its task; `payments` were found to be the agent's. */
export function recordOutcome(
  task: Task,
  data: EventData<'outcome.recorded'>,
  atMs: number,
): RefusalCode | null {
  if (data.value !== undefined && task.unit === null) return 'task_without_unit';
  const known = task.outcomes.get(data.reference);
  if (known?.basis === 'established' && data.basis === 'asserted') return 'reference_used';
  if (!known && task.outcomes.size >= OUTCOMES_MAX) return 'too_many_entries';
  const { reference, payments, result, value, basis, by } = data;
  task.outcomes.set(reference, {
    reference,
    payments,
    result,
    ...(value !== undefined && { value }),
    basis,
    by,
    atMs,
  });
  return null;
}

/** What a decision reads of the task; undefined for one that was opened without phase or terms. */
export function factsOfTask(task: Task | undefined): Facts['established']['taskTerms'] {
  if (!task?.termed) return undefined;
  const stopAt = stopAtOf(task);
  return {
    phase: task.phase,
    planCommitted: task.committed !== null,
    ...(task.unit !== null && { unit: task.unit }),
    ...(task.ceiling !== null && { ceiling: task.ceiling.toString() }),
    ...(stopAt !== null && { stopAt: stopAt.toString() }),
    reported: (task.established + task.asserted).toString(),
  };
}

/**
 * Where the task has outgrown its estimate. A plan's own estimate may only lower that of the person who opened the task.
 */
export function stopAtOf(task: Task): bigint | null {
  if (task.stopAtPercent === null) return null;
  const given = [task.estimate, task.committed?.estimate ?? null].filter((it) => it !== null);
  if (given.length === 0) return null;
  const least = given.reduce((least, it) => (it < least ? it : least));
  return (least * BigInt(task.stopAtPercent)) / 100n;
}

/** All the task has cost so far, and what is set aside for it. */
export function costOf(task: Task): bigint {
  return task.spent + task.open + task.established + task.asserted;
}

/** What is still available to the task; null where nothing limits it. Never below zero. */
export function availableTo(task: Task): bigint | null {
  const limits = [task.ceiling, stopAtOf(task)].filter((it) => it !== null);
  if (limits.length === 0) return null;
  const least = limits.reduce((least, it) => (it < least ? it : least));
  const left = least - costOf(task);
  return left > 0n ? left : 0n;
}

/** Which of its limits the task has passed. */
export function passedBy(task: Task): readonly TaskLimit[] {
  const cost = costOf(task);
  const stopAt = stopAtOf(task);
  const passed: TaskLimit[] = [];
  if (task.ceiling !== null && cost > task.ceiling) passed.push('ceiling');
  if (stopAt !== null && cost > stopAt) passed.push('estimate');
  return passed;
}

/**
 * Alerts the task's state calls for and that were not raised yet: it passed a limit, or a payment was denied for one; or a
 * plan waits for a person to commit it.
 */
export function taskAlertsOwed(task: Task): readonly string[] {
  const over = new Set([...passedBy(task), ...task.denials]);
  const codes = [...over].map((limit) => `task_over_${limit}`);
  return [
    ...codes.filter((code) => !task.alerts.has(code)),
    ...(planOwed(task) ? [PLAN_CODE] : []),
  ];
}

/** The code under which people are told of a submitted plan. */
export const PLAN_CODE = 'plan_submitted';

function planOwed({ phase, proposed, planTold }: Task): boolean {
  return phase === 'exploring' && proposed !== null && proposed.digest !== planTold;
}

/** Moves what a payment holds or has spent in its task from what it was to what it is. */
export function countPayment(
  taskOf: (name: string) => Task | undefined,
  before: Payment | undefined,
  after: Payment,
): void {
  for (const [payment, sign] of [
    [before, -1n],
    [after, 1n],
  ] as const) {
    const reserved = payment?.reserved;
    const name = payment?.intent.asserted.task;
    if (!payment || !reserved || name === undefined) continue;
    // Where nobody had opened the task when it was decided, the budgets did not count it there either.
    if (!reserved.scopes.includes(taskScopeOf(payment.agent, name))) continue;
    const task = taskOf(name);
    if (!task) continue;
    const units = BigInt(reserved.amount) * sign;
    const { phase } = payment;
    if (phase.status !== 'ended') task.open += units;
    else if (phase.how === 'settled') task.spent += units;
  }
}

function emptyTask(data: EventData<'task.opened'>): Task {
  return {
    tenant: data.tenant,
    agent: data.agent,
    task: data.task,
    phase: 'executing',
    termed: false,
    unit: null,
    ceiling: null,
    estimate: null,
    stopAtPercent: null,
    openedBy: data.by,
    openedAtMs: 0,
    proposed: null,
    committed: null,
    planTold: null,
    costs: new Map(),
    outcomes: new Map(),
    spent: 0n,
    open: 0n,
    established: 0n,
    asserted: 0n,
    denials: new Set(),
    alerts: new Set(),
  };
}

/** A task never changes its unit: sums over it would mean nothing. */
function hasOtherUnit(task: Task, unit: string | undefined): boolean {
  return task.unit !== null && unit !== undefined && unit !== task.unit;
}

function setTerms(task: Task, data: EventData<'task.terms_set'> | EventData<'task.opened'>): void {
  task.unit = data.unit ?? task.unit;
  task.ceiling = numberOf(data.ceiling);
  task.estimate = numberOf(data.estimate);
  task.stopAtPercent = data.stopAtPercent ?? null;
  task.denials.clear();
  task.alerts.clear();
}

function numberOf(text: string | undefined): bigint | null {
  return text === undefined ? null : BigInt(text);
}

/** Of a plan that was replaced meanwhile nothing is kept: people are still to be told of the one that waits. */
function planTold(task: Task, digest: string): RefusalCode | null {
  if (task.planTold === digest) return 'duplicate';
  if (task.proposed?.digest !== digest) return 'plan_changed';
  task.planTold = digest;
  return null;
}

function setPhase(task: Task, to: 'exploring' | 'executing'): RefusalCode | null {
  if (task.phase === 'done') return 'wrong_phase';
  if (to === 'exploring') {
    if (task.phase === 'exploring') return 'wrong_phase';
    task.committed = task.proposed = null;
  } else if (task.phase !== 'planned') return 'wrong_phase';
  task.phase = to;
  return null;
}

/**
 * The same reference is the same cost. What a person established replaces what the agent said of it, and is not
 * replaced by what the agent says.
 */
function recordCost(
  task: Task,
  data: EventData<'task.cost_recorded'>,
  atMs: number,
): RefusalCode | null {
  if (task.unit === null) return 'task_without_unit';
  const { reference, kind, amount, basis, by } = data;
  const known = task.costs.get(reference);
  if (known?.amount === amount && known.kind === kind && known.basis === basis) return 'duplicate';
  if (known && basis === 'asserted') return 'reference_used';
  if (!known && task.costs.size >= COSTS_MAX) return 'too_many_entries';
  if (known) task[known.basis] -= BigInt(known.amount);
  task[basis] += BigInt(amount);
  task.costs.set(reference, { reference, kind, amount, basis, by, atMs });
  return null;
}
