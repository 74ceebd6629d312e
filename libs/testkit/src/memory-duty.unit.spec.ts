import { describeDuty } from '@countersign/ports/suites';
import { everyLane } from '@countersign/service-kit';
import { MemoryDuty } from './memory-duty.ts';

describeDuty('Memory', {
  capabilities: { divides: true },
  create: (laneCount) => {
    const duty = new MemoryDuty(laneCount);
    return Promise.resolve({
      replica: () => Promise.resolve(duty.replica()),
      dispose: () => Promise.resolve(),
    });
  },
});

describeDuty('Every lane', {
  capabilities: { divides: false },
  create: (laneCount) =>
    Promise.resolve({
      replica: () => Promise.resolve(everyLane(laneCount)),
      dispose: () => Promise.resolve(),
    }),
});
