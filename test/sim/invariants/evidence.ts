import { fixedOf } from '@countersign/payment';
import type { History } from '../history.ts';
import { isDead, paidAtMs } from './exposure.ts';
import type { MakeInvariant } from './invariant.ts';

/**
 * Invariant 4: a reservation is released because the payment ended before its authorization was fixed, or because a
 * finalized block says it can never be paid; it is committed because a finalized block says it was.
 */
export const evidence: MakeInvariant = ({ history, chain, lostNonces }, report) => ({
  onRelease(tenant, paymentId) {
    const payment = find(history, tenant, paymentId);
    if (!payment) return report(`${paymentId} was released, and there is no such payment`);
    const fixed = fixedOf(payment);
    if (!fixed && payment.phase.status !== 'ended')
      report(`${paymentId} was released while ${payment.phase.status}`);
    // A renewal that the log has lost may be used; the signer's journal, and the outflow, tell of it.
    const isLost = fixed && lostNonces.has(fixed.authorization.nonce);
    if (fixed && !isLost && !isDead(chain, fixed.authorization))
      report(`${paymentId} was released, and it can still be paid`);
  },
  onCommit(tenant, paymentId) {
    const payment = find(history, tenant, paymentId);
    const fixed = payment && fixedOf(payment);
    if (!fixed || paidAtMs(chain, fixed.authorization) === undefined)
      report(`${paymentId} was committed, and no finalized block says that it was paid`);
  },
});

function find(history: History, tenant: string, paymentId: string) {
  const intent = history.named(paymentId, 'intent.submitted').find((seen) => seen.applied);
  const owner = intent?.event.data;
  return owner && owner.tenant === tenant ? history.payment(owner, paymentId) : undefined;
}
