import type { Plan, Task } from '@countersign/payment';
import { openedValue } from './commitments.ts';
import type { LaneHost } from './lane-host.ts';

/** The agent's words of a plan, unchecked; undefined where they were erased. */
export async function planText(
  host: LaneHost,
  { tenant, agent }: Pick<Task, 'tenant' | 'agent'>,
  { digest, offset }: Plan,
): Promise<string | undefined> {
  const lane = String(host.laneFor(tenant, agent).lane);
  const [record] = await host.log.read(lane, offset, 1);
  return openedValue(record?.openings, 'plan', { commitment: digest });
}
