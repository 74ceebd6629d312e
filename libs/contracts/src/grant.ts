import { canonicalText } from '@countersign/kernel';
import type { EventData } from './events/names.ts';

/**
 * What a person signs to grant a payment, apart from the service that records it: a tag, and who grants which payment, on
 * which terms, as decided where.
 */
export function grantText({
  tenant,
  paymentId,
  person,
  quoteDigest,
  decisionId,
}: Pick<
  EventData<'approval.granted'>,
  'tenant' | 'paymentId' | 'person' | 'quoteDigest' | 'decisionId'
>): string {
  const grant = { tenant, paymentId, person, quoteDigest, decisionId };
  return `countersign/grant/1\n${canonicalText(grant)}`;
}
