import type { TaskDetails, TaskView } from '@countersign/contracts';
import { type Task, availableTo, passedBy, stopAtOf } from '@countersign/payment';
import { type LaneHost, planText, viewOf } from '@countersign/service-kit';

/** Among so many of the agent's newest payments those of a task are looked for. */
const SEARCHED_MAX = 1_000;

/** A task for its reader; the plan's text is not in it. */
export function taskView(host: LaneHost, task: Task): TaskView {
  const lane = host.laneFor(task.tenant, task.agent);
  const plan = task.committed ?? task.proposed;
  return {
    agent: task.agent,
    task: task.task,
    phase: task.phase,
    unit: task.unit,
    ceiling: textOf(task.ceiling),
    estimate: textOf(task.estimate),
    stopAtPercent: task.stopAtPercent,
    stopAt: textOf(stopAtOf(task)),
    spent: String(task.spent),
    open: String(task.open),
    reported: { established: String(task.established), asserted: String(task.asserted) },
    available: textOf(availableTo(task)),
    stopped: passedBy(task).length > 0,
    value: { established: valueOf(task, 'established'), asserted: valueOf(task, 'asserted') },
    plan: plan && {
      digest: plan.digest,
      committed: task.committed !== null,
      estimate: textOf(plan.estimate),
      submittedAtMs: plan.atMs,
    },
    openedBy: task.openedBy,
    openedAtMs: task.openedAtMs,
    position: `${lane.lane}:${lane.next - 1}`,
  };
}

/** The same with its plan's text, costs, outcomes and payments. */
export async function taskDetails(host: LaneHost, task: Task): Promise<TaskDetails> {
  const view = taskView(host, task);
  const plan = task.committed ?? task.proposed;
  const text = plan && (await planText(host, task, plan));
  const { tenant, agent } = task;
  const newest = host.newest({ tenant, agents: [agent], max: SEARCHED_MAX });
  return {
    ...view,
    plan: view.plan && { ...view.plan, ...(typeof text === 'string' && { text }) },
    costs: [...task.costs.values()],
    outcomes: [...task.outcomes.values()].map((it) => ({ ...it, payments: [...it.payments] })),
    payments: newest
      .filter((payment) => payment.intent.asserted.task === task.task)
      .map((payment) => viewOf(host, payment, { bearer: false })),
  };
}

function textOf(units: bigint | null): string | null {
  return units === null ? null : units.toString();
}

function valueOf(task: Task, basis: 'established' | 'asserted'): string {
  return [...task.outcomes.values()]
    .filter((it) => it.basis === basis)
    .reduce((sum, it) => sum + BigInt(it.value ?? 0), 0n)
    .toString();
}
