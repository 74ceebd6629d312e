import type { DutyShares } from '@countersign/ports';

/** Duty where there is one replica: all of it, for as long as it runs. */
export function everyLane(laneCount: number): DutyShares {
  let isJoined = false;
  let isClosed = false;
  return {
    holds: (lane) => isJoined && !isClosed && lane >= 0 && lane < laneCount,
    join: () => {
      isJoined = true;
    },
    onChange: () => () => undefined,
    close: () => {
      isClosed = true;
      return Promise.resolve();
    },
  };
}
