import type { PolicyDocument } from '@countersign/contracts';
import { loosenings } from '@countersign/policy';
import type { SeenOf } from '../history.ts';
import type { World } from '../world.ts';
import { claimOf } from './claim.ts';
import { isOver } from './exposure.ts';
import type { MakeInvariant } from './invariant.ts';

/** One policy that came into force, and whether it had waited as long as it had to. */
interface Activation {
  readonly offset: number;
  readonly hasWaited: boolean;
}

/**
 * Nothing is signed under a policy that loosened and did not wait, whoever signed its record: by the texts, compared with
 * the last one that came into force as it should.
 */
export const belief: MakeInvariant = (world, report) => {
  const activations = new Map<string, Activation[]>();
  const believed = new Map<string, PolicyDocument>();
  return {
    onRecord(seen) {
      const { event, applied, record } = seen;
      if (!applied || event?.name !== 'policy.activated') return;
      const { tenant, hash } = event.data;
      const document = world.history.document(tenant, hash);
      if (!document) return;
      const before = believed.get(tenant);
      const hasWaited = isRight(world, seen as SeenOf<'policy.activated'>, before, document);
      if (hasWaited) believed.set(tenant, document);
      else world.weather.count('policies that did not wait');
      const all = activations.get(tenant) ?? [];
      activations.set(tenant, [...all, { offset: record.offset, hasWaited }]);
    },
    onSignature({ meaning }) {
      if (meaning?.kind !== 'transfer' || isOver(world.chain, meaning.authorization)) return;
      const claim = claimOf(world.history, meaning.authorization);
      if (typeof claim === 'string') return;
      const { lane, fixed, tenant, paymentId } = claim;
      const through = world.history.marksBefore(lane, fixed.record.offset).at(-1)?.through ?? -1;
      const inForce = activations.get(tenant)?.findLast(({ offset }) => offset <= through);
      if (inForce && !inForce.hasWaited)
        report(`${paymentId} was signed under a policy that loosens and did not wait`);
    },
  };
};

function isRight(
  { history }: World,
  { event, record, laneMs }: SeenOf<'policy.activated'>,
  before: PolicyDocument | undefined,
  after: PolicyDocument,
): boolean {
  const delayMs = (after.loosening?.delaySeconds ?? 0) * 1_000;
  if ((event.data.delayMs ?? 0) !== delayMs) return false;
  const waitMs = (before?.loosening?.delaySeconds ?? 0) * 1_000;
  if (!before || waitMs === 0 || loosenings(before, after).length === 0) return true;
  const order = history.control
    .slice(0, record.offset)
    .find((seen) => seen.applied && seen.event?.id === event.data.scheduled);
  return order !== undefined && laneMs - order.laneMs >= waitMs;
}
