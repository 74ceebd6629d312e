import { tenantOf } from '@countersign/payment';
import type { Budgets } from '@countersign/ports';
import type { Effect, LaneHost } from '@countersign/service-kit';

/** Ends a reservation as the payment ended: spent when settled, otherwise released, by payment id. */
export function reservationEffect(parts: { host: LaneHost; budgets: Budgets }): Effect {
  return async (payment) => {
    const { host, budgets } = parts;
    const { phase, tenant, agent, id: paymentId } = payment;
    if (phase.status !== 'ended') return;
    const { view } = host.laneFor(tenant, agent);
    const book = { tenant, epoch: tenantOf(view, tenant).epoch };
    const settled = phase.how === 'settled';
    if (settled) await budgets.commit(book, paymentId, phase.spentAtMs ?? phase.atMs);
    else await budgets.release(book, paymentId);
    const how = settled ? 'committed' : 'released';
    await host.append('reservation.ended', { tenant, agent, paymentId, how }, { cause: paymentId });
  };
}
