import { tenantOf } from '@countersign/payment';
import { TENANTS } from '../cast.ts';
import { claimOf } from './claim.ts';
import type { MakeInvariant } from './invariant.ts';

/**
 * Once the log has lost what was signed, nothing is signed for a tenant before one of its people accepted that; and the
 * loss is recorded.
 */
export const restore: MakeInvariant = (world, report) => {
  const accepted = new Set<string>();
  let isDetected = false;
  return {
    onRecord({ event, applied }) {
      if (!applied) return;
      if (event?.name === 'restore.detected') isDetected = true;
      if (event?.name === 'restore.accepted') accepted.add(event.data.tenant);
    },
    onSignature({ meaning }) {
      if (meaning?.kind !== 'transfer' || world.lostNonces.size === 0) return;
      const claim = claimOf(world.history, meaning.authorization);
      if (typeof claim !== 'string' && !accepted.has(claim.tenant))
        report(`${claim.paymentId} was signed, and nobody has accepted what the log lost`);
    },
    atEnd() {
      if (world.lostNonces.size === 0) return;
      if (!isDetected) report('the log has lost what was signed, and nobody noticed');
      for (const tenant of TENANTS) {
        const view = tenantOf(world.history.views.at(-1)!, tenant);
        if (view.restore !== null && !view.alerted.has(`restore/${view.restore}/log_restored`))
          report(`${tenant} is stopped for lost records, and nobody was told`);
      }
    },
  };
};
