import { decodeEvent } from '@countersign/contracts';
import { laneOf } from '@countersign/payment';
import type { Position } from '@countersign/ports';
import { type Folded, type LaneHost, Refused } from '@countersign/service-kit';

/**
 * Appends the very bytes of an ignored record once more: for one that nothing could read, or prove, or that stood in
 * another's lane, when that was mended. It widens nothing, as the fold judges it like any other; one that counted
 * elsewhere in the meantime is a duplicate.
 *
 * @param tenant whose records the caller may submit; records nobody can read are everybody's.
 * @throws Refused `not_found`, `not_ignored`, `not_permitted`.
 */
export async function resubmit(
  host: LaneHost,
  { lane, offset }: Position,
  tenant: string,
): Promise<Folded & { position: Position }> {
  const isLane = host.lanes.some((it) => String(it.lane) === lane);
  const [record] = isLane ? await host.log.read(lane, offset, 1) : [];
  if (record?.offset !== offset) throw new Refused('not_found', 'no record stands there');
  if (host.ignoredAt({ lane, offset }) === null) throw new Refused('not_ignored');
  const event = decodeEvent(record.bytes);
  if ('undecodable' in event) return host.appendAgain(record, lane);
  const { data } = event;
  if ('tenant' in data && data.tenant !== tenant) throw new Refused('not_permitted');
  const isOfAgent = 'tenant' in data && 'agent' in data && typeof data.agent === 'string';
  const own = isOfAgent ? String(laneOf(data.tenant, data.agent, host.lanes.length)) : lane;
  return host.appendAgain(record, own);
}
