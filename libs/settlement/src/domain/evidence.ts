import type { Authorization } from '@countersign/contracts';
import type { Transfer } from '@countersign/payment';
import type { AuthorizationReading, BlockRef } from '@countersign/ports';

/** What one reading of the chain proves about a recorded authorization. */
export type Evidence =
  | { readonly kind: 'settled'; readonly transfer: Transfer }
  | { readonly kind: 'canceled'; readonly transfer: Transfer }
  | { readonly kind: 'mismatched'; readonly found: string }
  /** Unused, and the block's time is at or past `validBefore`: at a finalized block it can never be paid. */
  | { readonly kind: 'outlived'; readonly at: BlockRef }
  | { readonly kind: 'unused'; readonly at: BlockRef };

/**
 * Reads evidence. A used nonce is a settlement only if the transfer behind it is the recorded one; anything else releases
 * nothing.
 */
export function evidenceOf(authorization: Authorization, reading: AuthorizationReading): Evidence {
  switch (reading.state) {
    case 'unused':
      return reading.at.timeMs >= authorization.validBefore * 1000
        ? { kind: 'outlived', at: reading.at }
        : { kind: 'unused', at: reading.at };
    case 'canceled': {
      const { transactionHash, logIndex, block } = reading.canceled;
      return { kind: 'canceled', transfer: { transactionHash, logIndex, block } };
    }
    case 'used': {
      const { transfer } = reading;
      if (!transfer)
        return { kind: 'mismatched', found: 'a used nonce with no transfer behind it' };
      const { from, to, value, transactionHash, logIndex, block } = transfer;
      const asRecorded =
        from === authorization.from &&
        to === authorization.to &&
        value === BigInt(authorization.value);
      return asRecorded
        ? { kind: 'settled', transfer: { transactionHash, logIndex, block } }
        : { kind: 'mismatched', found: `${value} from ${from} to ${to} in ${transactionHash}` };
    }
  }
}
