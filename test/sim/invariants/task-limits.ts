import type { EventOf } from '@countersign/contracts';
import type { World } from '../world.ts';

/** What a task had left for payments by the log alone, before one of its payments was asked for. */
export interface TaskLimit {
  readonly name: 'ceiling' | 'estimate';
  /** 10^-6 of the unit of account; below zero where the reported costs alone are past the limit. */
  readonly left: bigint;
}

type TaskTold =
  | EventOf<'task.opened'>
  | EventOf<'task.terms_set'>
  | EventOf<'task.plan_submitted'>
  | EventOf<'task.plan_committed'>
  | EventOf<'task.phase_set'>
  | EventOf<'task.cost_recorded'>;

/** Counts a task's limits anew from its records, in the plainest way. */
export function taskLimits(
  world: World,
  owner: { readonly tenant: string; readonly agent: string; readonly task: string },
  quote: { readonly paymentId: string; readonly round: number },
): TaskLimit[] {
  const told = toldBefore(world, owner, quote);
  const ordered = told.filter((it) => it.name === 'task.opened' || it.name === 'task.terms_set');
  const terms = ordered.at(-1)?.data;
  const costs = new Map<string, bigint>();
  for (const it of told)
    if (it.name === 'task.cost_recorded') costs.set(it.data.reference, BigInt(it.data.amount));
  const reported = [...costs.values()].reduce((sum, it) => sum + it, 0n);
  const limits: TaskLimit[] = [];
  if (terms?.ceiling !== undefined)
    limits.push({ name: 'ceiling', left: BigInt(terms.ceiling) - reported });
  const planned = committedEstimate(told);
  const estimates = [terms?.estimate, planned].filter((it) => it !== undefined).map(BigInt);
  const least = estimates.sort((a, b) => (a < b ? -1 : 1))[0];
  if (least !== undefined && terms?.stopAtPercent !== undefined)
    limits.push({
      name: 'estimate',
      left: (least * BigInt(terms.stopAtPercent)) / 100n - reported,
    });
  return limits;
}

function toldBefore(
  { history }: World,
  owner: { readonly tenant: string; readonly agent: string; readonly task: string },
  { paymentId, round }: { readonly paymentId: string; readonly round: number },
): TaskTold[] {
  const quoted =
    round === 0
      ? history.named(paymentId, 'intent.submitted').find((it) => it.applied)
      : history
          .named(paymentId, 'payment.claimed')
          .find((it) => it.applied && it.event.data.round === round);
  const lane = history.lanes[history.laneOf(owner)] ?? [];
  return lane.slice(0, quoted?.record.offset ?? 0).flatMap(({ event, applied }) => {
    if (!applied || !event?.name.startsWith('task.')) return [];
    const { tenant, agent, task } = (event as TaskTold).data;
    const mine = tenant === owner.tenant && agent === owner.agent && task === owner.task;
    return mine ? [event as TaskTold] : [];
  });
}

/** Estimate of the plan that is committed; a task opened anew or sent back to exploring has none. */
function committedEstimate(told: readonly TaskTold[]): string | undefined {
  const from = told.findLastIndex(
    (it) =>
      it.name === 'task.opened' || (it.name === 'task.phase_set' && it.data.to === 'exploring'),
  );
  const since = told.slice(from + 1);
  const commit = since.find((it) => it.name === 'task.plan_committed');
  if (!commit) return undefined;
  const plan = since
    .slice(0, since.indexOf(commit))
    .findLast((it) => it.name === 'task.plan_submitted');
  return plan?.data.estimate;
}
