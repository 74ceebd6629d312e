import type { Facts, PolicyDocument } from '@countersign/contracts';
import { EMPTY_TENANT, establishFacts } from '@countersign/payment';
import type { AnswerOf, PaymentView } from '@countersign/sdk';
import type { Session } from '../session.ts';

/** Payments of the log that a report looks at. */
const HISTORY_MAX = 10_000;
const PAGE = 200;

/** Every payment of a report can be paid: it is about the policy, not about wallets. */
export const SOME_WALLET = { id: 'report', address: `0x${'0'.repeat(40)}` };

/** Payments that were made, in the order of their time. */
export interface History {
  readonly payments: readonly Facts[];
  /** What was left out, a sentence each. */
  readonly notes: readonly string[];
}

/**
 * Payments of the log with what is known of their sellers today, and of their tasks and sessions then. Where a rule of the
 * policy reads how a task stood and that is not known, the payment is left out: no figure rests on a guess.
 */
export async function historyOf(session: Session, document: PolicyDocument): Promise<History> {
  const { sellers } = await session.call('listSellers');
  const view = { ...EMPTY_TENANT, sellers: new Map(sellers.map((it) => [it.seller, it])) };
  const { tasks } = await session.call('listTasks', { query: {} });
  const taskOf = new Map(tasks.map((it) => [`${it.agent}/${it.task}`, it]));
  const { found, more } = await newest(session);
  const payments: Facts[] = [];
  let unknown = 0;
  for (const payment of found) {
    const { kind, agent, quote, resource, submittedAtMs } = payment;
    if (kind !== 'payment') continue;
    const task = payment.task?.task ?? (hasReason(payment, 'task_unknown') ? 'unknown' : undefined);
    const stood = standingOf(payment, taskOf.get(`${agent}/${task}`), document);
    if (stood === undefined) {
      unknown += 1;
      continue;
    }
    const asserted = task === undefined ? {} : { task };
    const { open, phase, planCommitted } = stood;
    const told = establishFacts({
      intent: { tenant: 'default', agent, kind, again: false, asserted },
      ...{ quote, resource, atMs: submittedAtMs, view, agentFrozen: false },
      openTasks: new Set(open && task !== undefined ? [task] : []),
      taskTerms: task === undefined ? undefined : { phase, planCommitted, reported: '0' },
      session: sessionOf(payment),
    });
    const { unpayable: _, ...established } = told.established;
    payments.push({ ...told, established: { ...established, wallet: SOME_WALLET } });
  }
  const notes = [
    more && `Only the newest ${HISTORY_MAX} payments are looked at; there are older ones.`,
    unknown > 0 &&
      `${unknown} ${unknown === 1 ? 'payment' : 'payments'} named a task that is not known here as it stood then, and the policy reads that: left out.`,
  ];
  return { payments: payments.reverse(), notes: notes.filter((it) => it !== false) };
}

async function newest(session: Session): Promise<{ found: PaymentView[]; more: boolean }> {
  const found: PaymentView[] = [];
  while (found.length <= HISTORY_MAX) {
    const before = found.at(-1)?.id;
    const query = { limit: PAGE, ...(before !== undefined && { before }) };
    const { payments } = await session.call('listPayments', { query });
    found.push(...payments);
    if (payments.length < PAGE) break;
  }
  return { found: found.slice(0, HISTORY_MAX), more: found.length > HISTORY_MAX };
}

/** How a task may stand. Costs and ceilings are the task's own, and no matter of the policy. */
interface Standing {
  readonly open: boolean;
  readonly phase: TaskView['phase'];
  readonly planCommitted: boolean;
}
type TaskView = AnswerOf<'listTasks'>['tasks'][number];

const EXPLORING: Standing = { open: true, phase: 'exploring', planCommitted: false };
const DONE: Standing = { open: false, phase: 'done', planCommitted: false };
/** The likeliest first: it is taken where the policy reads all that are possible alike. */
const STANDINGS: readonly Standing[] = [
  { open: true, phase: 'executing', planCommitted: false },
  { open: true, phase: 'executing', planCommitted: true },
  { open: true, phase: 'planned', planCommitted: true },
  EXPLORING,
  DONE,
];

/** How the payment's task stood when it was proposed; undefined where that is not known and the policy reads it. */
function standingOf(
  payment: PaymentView,
  task: TaskView | undefined,
  document: PolicyDocument,
): Standing | undefined {
  // Nobody had opened it, or none was named: a payment without an open task.
  if (!payment.task || hasReason(payment, 'task_unknown'))
    return { open: false, phase: 'executing', planCommitted: false };
  if (hasReason(payment, 'task_exploring')) return EXPLORING;
  if (hasReason(payment, 'task_done')) return DONE;
  const possible = STANDINGS.filter((it) => mayHaveStood(it, payment, task));
  const [first, ...others] = possible;
  return others.every((it) => first && readAlike(document, first, it)) ? first : undefined;
}

/** Whether the task may have stood so, by what became of the payment and how the task stands today. */
function mayHaveStood(
  { open, phase, planCommitted }: Standing,
  payment: PaymentView,
  task: TaskView | undefined,
): boolean {
  const { submittedAtMs, tier, reasons } = payment;
  // Nobody may have opened it by then, or it was opened again since.
  if (!task || task.openedAtMs > submittedAtMs) return true;
  const passed = tier !== null || reasons.some((it) => AFTER_THE_TASK.has(it));
  if (passed && (!open || phase === 'exploring')) return false;
  if (task.phase !== 'done' && !open) return false;
  const committed = task.plan?.committed === true;
  // Execution without a plan began with the task: what explores goes on by a plan alone, and going back forgets it.
  if (task.phase === 'executing' && !committed) return phase === 'executing' && !planCommitted;
  if (!committed || (task.plan?.submittedAtMs ?? 0) > submittedAtMs) return true;
  if (task.phase === 'planned' && phase === 'executing') return false;
  return planCommitted || !open || phase === 'exploring';
}

/** Reasons that are found once the task was found open and not exploring. */
const AFTER_THE_TASK: ReadonlySet<string> = new Set([
  ...['prohibited', 'no_tier', 'budget_exceeded', 'count_exceeded', 'frequency_exceeded'],
  ...['ceiling_exceeded', 'estimate_exceeded'],
]);

/** Whether no rule of the policy tells the two apart. */
function readAlike(document: PolicyDocument, one: Standing, other: Standing): boolean {
  const { prohibited, tiers, flags, budgets } = document;
  const all = [...budgets, ...tiers.flatMap((tier) => tier.budgets ?? [])];
  if (one.open !== other.open && all.some(({ scope }) => scope === 'task')) return false;
  return [...prohibited, ...tiers, ...flags].every(
    ({ when: { task } }) => !task || meets(task, one) === meets(task, other),
  );
}

function meets(
  { phase, planCommitted }: NonNullable<PolicyDocument['tiers'][number]['when']['task']>,
  it: Standing,
): boolean | undefined {
  // Without an open task a condition is not unmet: it is about something else.
  if (!it.open) return undefined;
  return (
    (phase?.includes(it.phase) ?? true) &&
    (planCommitted === undefined || planCommitted === it.planCommitted)
  );
}

/** A session counts as open unless the payment came after its time, or was denied for it. */
function sessionOf(payment: PaymentView): { session: string } | undefined {
  for (const session of ['unknown', 'expired', 'closed'])
    if (hasReason(payment, `session_${session}`)) return { session };
  if (!payment.session) return undefined;
  const { session, expiresAtMs } = payment.session;
  return { session: payment.submittedAtMs < expiresAtMs ? session : 'expired' };
}

function hasReason({ reasons }: PaymentView, reason: string): boolean {
  return reasons.includes(reason);
}
