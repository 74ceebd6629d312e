import type { DutyShares } from '@countersign/ports';

/** Duty where there is one replica: all of it, for as long as it runs. */
export function everyLane(laneCount: number): DutyShares {
  let isClosed = false;
  return {
    holds: (lane) => !isClosed && lane >= 0 && lane < laneCount,
    onChange: () => () => undefined,
    close: () => {
      isClosed = true;
      return Promise.resolve();
    },
  };
}
