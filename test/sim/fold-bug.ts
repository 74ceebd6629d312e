import { type FoldLane, type LaneState, agentOf, foldLane, laneOf } from '@countersign/payment';
import type { Owner } from './cast.ts';

/** How many records of the agent there are for one that meets the bug, about. */
const ONE_OF = 120;

/**
 * The fold with a bug that every process has: on some records of one agent, known by their ids, it throws, on some before
 * it has done anything and on others when it has done it all.
 */
export function foldWithBug(owner: Owner): FoldLane {
  const { tenant, agent } = owner;
  return (lane, stampMs, event, controlAt) => {
    const { data, id } = event;
    const isTheirs = 'tenant' in data && data.tenant === tenant && data.agent === agent;
    const number = isTheirs && isFolded(lane, owner) ? Number.parseInt(id.slice(0, 8), 16) : 1;
    const meetsIt = number % ONE_OF === 0;
    if (meetsIt && (number / ONE_OF) % 2 === 0) throw new TypeError(`nothing of ${event.name}`);
    const judged = foldLane(lane, stampMs, event, controlAt);
    if (meetsIt) throw new TypeError(`half of ${event.name}`);
    return judged;
  };
}

/** Whether what is said of the agent here comes as far as the bug. */
function isFolded(lane: LaneState, { tenant, agent }: Owner): boolean {
  const isItsLane = laneOf(tenant, agent, lane.laneCount) === lane.lane;
  return isItsLane && !agentOf(lane, tenant, agent).quarantined;
}
