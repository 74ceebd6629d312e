import type { LaneHost } from './lane-host.ts';
import type { Log } from './logger.ts';

/** One line, with the stack, for each agent that a bug in the fold sets aside in this process. */
export function tellSetAside(host: LaneHost, log: Log): void {
  host.onSetAside(({ tenant, agent, error }, { lane, offset }) =>
    log.error(
      { tenant, agent, position: `${lane}:${offset}`, err: error },
      'a bug in the fold: the agent is quarantined, and nothing of it is paid',
    ),
  );
}
