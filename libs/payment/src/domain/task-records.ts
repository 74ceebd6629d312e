import type { EventOf, LaneEvent, RefusalCode } from '@countersign/contracts';
import type { LifeEvent } from './life-steps.ts';
import type { Payment } from './payment.ts';
import type { AgentTables } from './tables.ts';
import {
  type Stand,
  type Task,
  type TaskEvent,
  type TaskLimit,
  onTask,
  opened,
  recordOutcome,
} from './task.ts';

/** Most tasks of one agent that may be open at a time. */
export const OPEN_TASKS_MAX = 64;

/** What of an agent its task records read and change. */
export interface TaskHolder extends Pick<AgentTables, 'payments' | 'orders'> {
  /** Names of the open tasks. */
  readonly tasks: Set<string>;
  /** Every task there ever was, by name: costs and outcomes come in after it is done, too. */
  readonly taskBooks: Map<string, Task>;
}

export type TaskRecord =
  TaskEvent | EventOf<'task.opened'> | EventOf<'task.closed'> | EventOf<'outcome.recorded'>;

/** What a task record did: why not, or which task it was and which payments it changed. */
export type TaskJudgement =
  | { readonly code: RefusalCode }
  | {
      readonly code: null;
      readonly task: Task | undefined;
      readonly payments: readonly Payment[];
    };

export function isTaskRecord(event: LaneEvent): event is TaskRecord {
  return event.name.startsWith('task.') || event.name === 'outcome.recorded';
}

/** Applies a record about a task, or about what came of payments. */
export function foldTask(holder: TaskHolder, event: TaskRecord, stand: Stand): TaskJudgement {
  if (holder.orders.has(event.id)) return no('duplicate');
  if (isOrder(event)) holder.orders.add(event.id);
  switch (event.name) {
    case 'task.opened':
      return open(holder, event, stand);
    case 'task.closed':
      return close(holder, event);
    case 'outcome.recorded': {
      const judged = outcome(holder, event, stand);
      if (judged.code === null) holder.orders.add(event.id);
      return judged;
    }
    default: {
      const task = holder.taskBooks.get(event.data.task);
      if (!task) return no('task_unknown');
      const code = onTask(task, event, stand);
      return code === null ? yes(task) : no(code);
    }
  }
}

/** What a payment's record does to its task: the first authorization begins execution; a denial for its limits is kept. */
export function noteOnTask(task: Task, event: LifeEvent): void {
  if (event.name === 'authorization.fixed' && task.phase === 'planned') task.phase = 'executing';
  if (event.name !== 'decision.made') return;
  for (const reason of event.data.decision.verdict.reasons) {
    const limit = LIMIT_OF[reason];
    if (limit) task.denials.add(limit);
  }
}

const LIMIT_OF: Readonly<Record<string, TaskLimit>> = {
  ceiling_exceeded: 'ceiling',
  estimate_exceeded: 'estimate',
};

const no = (code: RefusalCode): TaskJudgement => ({ code });
const yes = (task: Task | undefined, payments: readonly Payment[] = []): TaskJudgement => ({
  code: null,
  task,
  payments,
});

/** What counts once, however often whoever can write to the log appends it again. */
function isOrder(event: TaskRecord): boolean {
  switch (event.name) {
    case 'task.opened':
    case 'task.terms_set':
    case 'task.plan_committed':
    case 'task.phase_set':
      return true;
    case 'task.cost_recorded':
    case 'outcome.recorded':
      return event.data.basis === 'established';
    default:
      return false;
  }
}

function open(holder: TaskHolder, event: EventOf<'task.opened'>, { atMs }: Stand): TaskJudgement {
  const { task: name } = event.data;
  if (holder.tasks.has(name)) return no('duplicate');
  if (holder.tasks.size >= OPEN_TASKS_MAX) return no('too_many_open_tasks');
  const task = opened(holder.taskBooks.get(name), event, atMs);
  if (typeof task === 'string') return no(task);
  holder.tasks.add(name);
  holder.taskBooks.set(name, task);
  return yes(task);
}

function close(holder: TaskHolder, { data }: EventOf<'task.closed'>): TaskJudgement {
  if (!holder.tasks.delete(data.task)) return no('task_unknown');
  const task = holder.taskBooks.get(data.task);
  if (task) task.phase = 'done';
  return yes(task);
}

function outcome(
  holder: TaskHolder,
  { data }: EventOf<'outcome.recorded'>,
  { atMs }: Stand,
): TaskJudgement {
  const task = data.task === undefined ? undefined : holder.taskBooks.get(data.task);
  if (data.task !== undefined && !task) return no('task_unknown');
  const { result, basis } = data;
  const payments: Payment[] = [];
  for (const id of data.payments) {
    const payment = holder.payments.get(id);
    if (!payment) return no('payment_unknown');
    if (task && payment.intent.asserted.task !== task.task) return no('wrong_task');
    if (payment.outcome?.basis === 'established' && basis === 'asserted')
      return no('reference_used');
    payments.push({ ...payment, outcome: { result, basis } });
  }
  const code = task ? recordOutcome(task, data, atMs) : null;
  return code === null ? yes(task, payments) : no(code);
}
