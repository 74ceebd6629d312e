import type { PaymentStatus } from '@countersign/contracts';
import type { Payment } from '@countersign/payment';

/** The phase in one word; an ended payment is called by how it ended. */
export function statusOf({ phase }: Payment): PaymentStatus {
  switch (phase.status) {
    case 'ended':
      return phase.how;
    case 'awaiting':
      return 'awaiting_approval';
    case 'fixed':
      return 'signing';
    default:
      return phase.status;
  }
}
