import type { Authorization } from '@countersign/contracts';
import { canonicalText } from '@countersign/kernel';
import { claimOf } from './claim.ts';
import type { MakeInvariant } from './invariant.ts';

/**
 * Invariant 2: one authorization per payment, recorded whole and applied before its first signature; a renewal differs
 * in `validBefore` alone; and every retry of the agent is given the same bytes for the same authorization.
 */
export const single: MakeInvariant = ({ history }, report) => {
  const signed = new Map<string, string>();
  const given = new Map<string, string>();
  return {
    onSignature({ meaning }) {
      if (meaning?.kind !== 'transfer') return;
      const claim = claimOf(history, meaning.authorization);
      if (typeof claim === 'string') return report(`signed without a record: ${claim}`);
      const { paymentId, fixed } = claim;
      const text = withoutEnd(meaning.authorization);
      const before = signed.get(paymentId) ?? text;
      if (before !== text) report(`${paymentId} was signed as ${before} and then as ${text}`);
      signed.set(paymentId, text);
      if (!fixed.applied)
        report(`${paymentId} was signed as ${text}, and the record of it does not count`);
    },
    onBearer(paymentId, { validBefore }, signature) {
      const what = `${paymentId} until ${validBefore}`;
      const before = given.get(what) ?? signature;
      if (before !== signature) report(`${what}: a retry was given another signature`);
      given.set(what, signature);
    },
  };
};

function withoutEnd({ validBefore: _, ...authorization }: Authorization): string {
  return canonicalText(authorization);
}
