import {
  type Life,
  type LifeContext,
  type LifeJudgement,
  accept,
  ended,
  ignore,
  inPhase,
  withFixed,
} from './life-steps.ts';
import type { Payment, PhaseOf } from './payment.ts';

/** What the chain showed. Only finalized evidence ends a payment. */
export function settling(
  payment: Payment,
  event: Life<
    | `settlement.${'submitted' | 'observed' | 'reverted' | 'final' | 'mismatched'}`
    | `authorization.${'void' | 'canceled'}`
  >,
  context: LifeContext,
): LifeJudgement {
  const { phase } = payment;
  if (phase.status === 'ended') return ignore('already_ended');
  if (phase.status !== 'fixed' && phase.status !== 'signed') return ignore('not_waiting');
  switch (event.name) {
    case 'settlement.submitted': {
      const { submitted } = phase.fixed;
      if (submitted.includes(event.data.what)) return ignore('duplicate');
      return accept(
        withFixed(payment, { ...phase.fixed, submitted: [...submitted, event.data.what] }),
      );
    }
    case 'settlement.observed': {
      if (phase.status !== 'signed') return ignore('not_waiting');
      const { level, transfer } = event.data;
      const known = phase.observed;
      if (
        known?.level === level &&
        known.transfer.transactionHash === transfer.transactionHash &&
        known.transfer.block.hash === transfer.block.hash
      )
        return ignore('duplicate');
      return accept(inPhase(payment, { ...phase, observed: { level, transfer } }));
    }
    case 'settlement.reverted':
      return phase.status === 'signed' && phase.observed
        ? accept(inPhase(payment, { ...phase, observed: null }))
        : ignore('not_waiting');
    case 'settlement.final':
      return accept(settled(payment, event.data.transfer, context.atMs));
    case 'authorization.void':
      return event.data.finalized.timeMs >= phase.fixed.authorization.validBefore * 1000
        ? accept(ended(payment, 'void', context.atMs, null))
        : ignore('too_early');
    case 'authorization.canceled':
      return accept(ended(payment, 'canceled', context.atMs, null));
    case 'settlement.mismatched': {
      const { found } = event.data;
      return accept(inPhase(payment, { status: 'mismatched', fixed: phase.fixed, found }));
    }
  }
}

/**
 * A reservation is spent at the later of signing and settlement block time, and never before it was reserved: windows go
 * by the store's clock, and where that is ahead of log and chain, a spend would leave them too early.
 */
function settled(payment: Payment, transfer: PhaseOf<'ended'>['transfer'], atMs: number): Payment {
  const { phase, reserved } = payment;
  const over = ended(payment, 'settled', atMs, null);
  const signedAtMs = phase.status === 'signed' ? phase.signedAtMs : atMs;
  const spentAtMs = Math.max(signedAtMs, transfer?.block.timeMs ?? atMs, reserved?.atMs ?? 0);
  return inPhase(over, { ...(over.phase as PhaseOf<'ended'>), spentAtMs, transfer });
}
