import { Controller, Inject } from '@nestjs/common';
import type { AvailableView } from '@countersign/contracts';
import {
  type LaneState,
  agentOf,
  factsOfSession,
  factsOfTask,
  isStopped,
  tenantOf,
} from '@countersign/payment';
import type { Budgets, Clock } from '@countersign/ports';
import {
  type Caller,
  LaneHost,
  Refused,
  Route,
  RouteParam,
  RouteQuery,
  TheCaller,
  nextLogTimeMs,
} from '@countersign/service-kit';
import { type Spender, availableNow, planAvailable } from '../index.ts';
import { PolicyCache } from './policy-cache.ts';
import { BUDGETS, CLOCK } from './policy.controller.ts';

interface Asked {
  readonly task?: string;
  readonly session?: string;
  readonly seller?: string;
}

/** What agents can still spend: the counters as they are now, read and not touched. */
@Controller()
export class AvailableController {
  constructor(
    @Inject(LaneHost) private readonly host: LaneHost,
    @Inject(BUDGETS) private readonly budgets: Budgets,
    @Inject(PolicyCache) private readonly policies: PolicyCache,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  @Route('readAvailable')
  async read(
    @TheCaller() caller: Caller,
    @RouteParam('agent') agent: string,
    @RouteQuery('readAvailable') asked: Asked,
  ): Promise<AvailableView> {
    const { tenant } = caller;
    const own = caller.kind === 'person' || caller.agent === agent;
    // Another agent is not there: its existence is not told.
    if (!own || !tenantOf(this.host.control, tenant).agents.has(agent))
      throw new Refused('agent_unknown');
    const lane = this.host.laneFor(tenant, agent);
    const { active, epoch } = tenantOf(lane.view, tenant);
    const policy = this.policies.policy(active);
    const plan = planAvailable(
      policy && policy.compiled,
      spenderOf(lane, { tenant, agent, ...asked }, nextLogTimeMs(lane, this.clock)),
    );
    const readings =
      plan.limits.length === 0 ? [] : await this.budgets.read({ tenant, epoch }, plan.limits);
    const { stopped, limits, tiers } = availableNow(plan, readings);
    return {
      agent,
      unit: policy && policy.compiled.unitName,
      policyVersion: active && active.version,
      stopped,
      limits: [...limits],
      tiers: tiers.map(({ tier, limits: ofTier }) => ({ tier, limits: [...ofTier] })),
      position: `${lane.lane}:${lane.next - 1}`,
    };
  }
}

/** @throws Refused `task_unknown`, `session_unknown`, `seller_unknown` */
function spenderOf(
  lane: LaneState,
  { tenant, agent, task, session, seller }: Asked & { tenant: string; agent: string },
  atMs: number,
): Spender {
  const view = tenantOf(lane.view, tenant);
  const known = agentOf(lane, tenant, agent);
  const terms = factsOfTask(task === undefined ? undefined : known.taskBooks.get(task));
  if (task !== undefined && !known.taskBooks.has(task)) throw new Refused('task_unknown');
  const stood = factsOfSession(known, session, atMs);
  if (stood?.session === 'unknown') throw new Refused('session_unknown');
  const registered = seller === undefined ? undefined : view.sellers.get(seller);
  if (seller !== undefined && !registered) throw new Refused('seller_unknown');
  return {
    tenant,
    agent,
    isSellerKnown: registered !== undefined,
    established: {
      seller: registered?.seller ?? 'unknown',
      category: registered?.category ?? 'unknown',
      task: task !== undefined && known.tasks.has(task) ? task : 'none',
      ...(terms && { taskTerms: terms }),
      ...(stood && { session: stood.session }),
      ...(stood?.ceiling !== undefined && { sessionCeiling: stood.ceiling }),
      ...(stood?.unit !== undefined && { sessionUnit: stood.unit }),
      frozen: known.frozen || isStopped(view, agent),
    },
  };
}
