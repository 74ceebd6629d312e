import { z } from 'zod';
import { type Route, everybody } from './api-route.ts';
import { Done, PaymentView } from './api-views.ts';
import {
  Basis,
  CostKind,
  OutcomeResult,
  Reference,
  TaskPhase,
  TaskTerms,
  Unit,
  taskTerms,
} from './task.ts';
import { Atomic, DigestHex, Name, PaymentId, TaskName, TimeMs, digits } from './text.ts';

/** A task, what it may cost and what it did. Amounts in 10^-6 of `unit`. */
export const TaskView = z.object({
  agent: Name,
  task: Name,
  phase: TaskPhase,
  unit: Unit.nullable(),
  ceiling: Atomic.nullable(),
  estimate: Atomic.nullable(),
  stopAtPercent: z.int().nullable(),
  /** Where it has outgrown its estimate. */
  stopAt: Atomic.nullable(),
  /** Its payments: settled, and reserved. */
  spent: Atomic,
  open: Atomic,
  /** Costs that are no payments. */
  reported: z.object({ established: Atomic, asserted: Atomic }),
  /** What is left for it, all of this taken off; null where nothing limits it. */
  available: Atomic.nullable(),
  /** It has passed one of its limits: every payment of it is denied. */
  stopped: z.boolean(),
  /** What came of it. */
  value: z.object({ established: Atomic, asserted: Atomic }),
  plan: z
    .object({
      digest: DigestHex,
      committed: z.boolean(),
      estimate: Atomic.nullable(),
      submittedAtMs: TimeMs,
      /** The agent's words, unchecked; left out of lists and where they were erased. */
      text: z.string().optional(),
    })
    .nullable(),
  openedBy: Name,
  openedAtMs: TimeMs,
  position: z.string(),
});
export type TaskView = z.infer<typeof TaskView>;

const entry = { reference: Reference, basis: Basis, by: Name, atMs: TimeMs };

/** A task with everything that was recorded of it. */
export const TaskDetails = TaskView.extend({
  costs: z.array(z.object({ ...entry, kind: CostKind, amount: Atomic })),
  outcomes: z.array(
    z.object({
      ...entry,
      result: OutcomeResult,
      value: Atomic.optional(),
      payments: z.array(PaymentId),
    }),
  ),
  /** Those among the agent's newest thousand payments. */
  payments: z.array(PaymentView),
});
export type TaskDetails = z.infer<typeof TaskDetails>;

const UNIT_MISSING = { path: ['unit'], message: 'the unit in which ceiling and estimate are' };
const hasUnit = (it: TaskTerms): boolean =>
  it.unit !== undefined ||
  [it.ceiling, it.estimate, it.stopAtPercent].every((given) => given === undefined);
const Note = z.string().min(1).max(2_000);

/** Routes about tasks, what they cost and what came of them. */
export const TASK_ROUTES = {
  openTask: {
    service: 'intake',
    method: 'POST',
    path: '/v1/agents/:agent/tasks',
    who: ['operator'],
    summary: 'Open a task that the agent may name, with what it may cost',
    body: z
      .strictObject({
        task: TaskName,
        ...taskTerms,
        phase: TaskPhase.extract(['exploring', 'executing']).default('executing'),
      })
      .refine(hasUnit, UNIT_MISSING),
    answer: Done,
  },
  closeTask: {
    service: 'intake',
    method: 'DELETE',
    path: '/v1/agents/:agent/tasks/:task',
    who: ['operator'],
    summary: 'Close a task: it is done, and nothing more is paid for it',
    answer: Done,
  },
  listTasks: {
    service: 'intake',
    method: 'GET',
    path: '/v1/tasks',
    who: everybody,
    summary: 'Tasks, newest first; an agent sees its own',
    query: z.strictObject({ agent: Name.optional(), phase: TaskPhase.optional() }),
    answer: z.object({ tasks: z.array(TaskView) }),
  },
  readTask: {
    service: 'intake',
    method: 'GET',
    path: '/v1/agents/:agent/tasks/:task',
    who: everybody,
    summary: 'One task with its plan, costs, payments and outcomes',
    answer: TaskDetails,
  },
  setTaskTerms: {
    service: 'intake',
    method: 'PUT',
    path: '/v1/agents/:agent/tasks/:task/terms',
    who: ['operator'],
    summary: 'Replace what a task may cost; what is left out is no longer limited',
    body: TaskTerms.refine(hasUnit, UNIT_MISSING),
    answer: Done,
  },
  submitPlan: {
    service: 'intake',
    method: 'PUT',
    path: '/v1/agents/:agent/tasks/:task/plan',
    who: ['agent'],
    summary: 'Submit a plan for a task that explores; nothing follows until a person commits it',
    body: z.strictObject({ text: z.string().min(1).max(20_000), estimate: Atomic.optional() }),
    answer: Done.extend({ plan: DigestHex }),
  },
  commitPlan: {
    service: 'intake',
    method: 'POST',
    path: '/v1/agents/:agent/tasks/:task/plan/commit',
    who: ['operator', 'approver'],
    summary: 'Commit exactly the plan that was shown',
    body: z.strictObject({ plan: DigestHex }),
    answer: Done,
  },
  setTaskPhase: {
    service: 'intake',
    method: 'POST',
    path: '/v1/agents/:agent/tasks/:task/phase',
    who: ['operator'],
    summary: 'Begin execution of a planned task, or send a task back to exploring',
    body: z.strictObject({ to: TaskPhase.extract(['exploring', 'executing']) }),
    answer: Done,
  },
  recordCost: {
    service: 'intake',
    method: 'POST',
    path: '/v1/agents/:agent/tasks/:task/costs',
    who: ['agent', 'operator'],
    summary: 'Record a cost that is no payment; it counts against the task',
    body: z.strictObject({
      reference: Reference,
      kind: CostKind,
      amount: Atomic,
      note: Note.optional(),
    }),
    answer: Done,
  },
  recordOutcome: {
    service: 'intake',
    method: 'POST',
    path: '/v1/agents/:agent/outcomes',
    who: ['agent', 'operator', 'approver'],
    summary: 'Record what came of payments, of a task, or of both',
    body: z
      .strictObject({
        task: Name.optional(),
        payments: z.array(PaymentId).max(100).default([]),
        reference: Reference,
        result: OutcomeResult,
        value: Atomic.optional(),
        note: Note.optional(),
      })
      .refine((it) => it.task !== undefined || it.payments.length > 0, {
        path: ['payments'],
        message: 'payments, a task, or both',
      })
      .refine((it) => it.value === undefined || it.task !== undefined, {
        path: ['value'],
        message: 'a value is in the unit of a task; name the task',
      }),
    answer: Done,
  },
  listNothingBack: {
    service: 'intake',
    method: 'GET',
    path: '/v1/nothing-came-back',
    who: everybody,
    summary: 'Settled payments with neither delivery nor outcome, oldest first',
    query: z.strictObject({
      agent: Name.optional(),
      task: Name.optional(),
      /** Settled at least so long ago; those of which nothing came, by their outcome, at once. */
      olderThanSeconds: digits(z.int().min(0).max(31_536_000)).default(3_600),
      limit: digits(z.int().min(1).max(200)).default(50),
    }),
    answer: z.object({
      payments: z.array(z.object({ payment: PaymentView, settledAtMs: TimeMs })),
      /** How many there are, listed or not. */
      count: z.int(),
    }),
  },
} as const satisfies Record<string, Route>;
