import { type foldLane, quarantine } from './lane.ts';
import { isBug } from './set-aside.ts';

export type FoldLane = typeof foldLane;

/**
 * The same fold, but where it throws on a record of an agent, that agent is quarantined and the lane goes on: a bug must
 * not stop everybody else's payments. The record is ignored as `internal`, and every later one of the agent as
 * `agent_quarantined`, as its state may be half of what it should be; so no authorization of it is fixed any more. A
 * version without the bug folds the log anew, and knows of no quarantine.
 *
 * What is thrown on a record that is no agent's goes on to the caller, and so does every Fault.
 */
export function quarantining(fold: FoldLane): FoldLane {
  return (lane, stampMs, event, controlAt) => {
    const at = lane.next;
    try {
      return fold(lane, stampMs, event, controlAt);
    } catch (error) {
      if (!isBug(error) || !('tenant' in event.data)) throw error;
      const { tenant, agent } = event.data;
      quarantine(lane, tenant, agent);
      lane.next = at + 1;
      lane.atMs = Math.max(lane.atMs, stampMs);
      return { applied: false, code: 'internal', setAside: [{ tenant, agent, error }] };
    }
  };
}
