import { canonicalText } from '@countersign/kernel';
import { fixedOf } from '@countersign/payment';
import { claimOf } from './claim.ts';
import type { MakeInvariant } from './invariant.ts';

/**
 * Invariant 2: one authorization per payment, recorded whole and applied before its first signature; and every retry of
 * the agent is given the same bytes.
 */
export const single: MakeInvariant = ({ history }, report) => {
  const signed = new Map<string, string>();
  const given = new Map<string, string>();
  return {
    onSignature({ meaning }) {
      if (meaning?.kind !== 'transfer') return;
      const claim = claimOf(history, meaning.authorization);
      if (typeof claim === 'string') return report(`signed without a record: ${claim}`);
      const { paymentId } = claim;
      const text = canonicalText(meaning.authorization);
      const before = signed.get(paymentId) ?? text;
      if (before !== text) report(`${paymentId} was signed as ${before} and then as ${text}`);
      signed.set(paymentId, text);
      const payment = history.payment(claim, paymentId);
      const fixed = payment && fixedOf(payment);
      if (!fixed || canonicalText(fixed.authorization) !== text)
        report(`${paymentId} was signed as ${text}, and the record of it does not count`);
    },
    onBearer(paymentId, signature) {
      const before = given.get(paymentId) ?? signature;
      if (before !== signature) report(`${paymentId}: a retry was given another signature`);
      given.set(paymentId, signature);
    },
  };
};
