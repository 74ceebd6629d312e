import type { Facts } from '@countersign/contracts';
import { type Payment, agentOf, establishFacts, tenantOf } from '@countersign/payment';
import type { LaneHost } from './lane-host.ts';

/** The facts of a payment as its lane stands. */
export function factsOf(host: LaneHost, payment: Payment): Facts {
  const lane = host.laneFor(payment.tenant, payment.agent);
  const agent = agentOf(lane, payment.tenant, payment.agent);
  return establishFacts({
    intent: payment.intent,
    quote: payment.quote,
    resource: payment.resource,
    atMs: payment.quotedAtMs,
    view: tenantOf(lane.view, payment.tenant),
    agentFrozen: agent.frozen,
    openTasks: agent.tasks,
    taskTerms: payment.taskTerms,
    session: payment.session,
  });
}
