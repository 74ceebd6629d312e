import type { Authorization, PaymentView } from '@countersign/contracts';
import { unreachable } from '@countersign/kernel';
import { AwaitingApproval, PaymentDenied, PaymentStopped, PaymentUnresolved } from './errors.ts';

/** An authorization with its signature, to be presented to the seller. */
export interface Signed {
  readonly authorization: Authorization;
  readonly signature: string;
}

/**
 * The signed authorization of a payment.
 *
 * @throws PaymentDenied, AwaitingApproval, PaymentStopped or PaymentUnresolved where there is none to present.
 */
export function signedOf(payment: PaymentView): Signed {
  const { authorization, signature, stop, status, amount } = payment;
  if (stop !== undefined)
    // The stop came after signing: the chain may still take the authorization, but we do not offer it to anyone.
    throw new PaymentStopped(`The payment of ${amount} was stopped (${stop}).`, {
      code: stop,
      retryable: false,
      payment,
    });
  if ((status === 'signed' || status === 'settled') && authorization && signature !== undefined)
    return { authorization, signature };
  throw outcomeOf(payment);
}

function outcomeOf(payment: PaymentView): Error {
  const { status, amount } = payment;
  const code = payment.code ?? status;
  const why = payment.reasons.length > 0 ? ` (${payment.reasons.join(', ')})` : '';
  switch (status) {
    case 'denied':
      return new PaymentDenied(
        `Policy denied the payment of ${amount}${why}.${insteadOf(payment)}`,
        { code, retryable: false, payment },
      );
    case 'awaiting_approval':
      return new AwaitingApproval(
        `The payment of ${amount} waits for people${waitText(payment)}.`,
        { code, retryable: true, payment },
      );
    case 'cleared':
      return new AwaitingApproval(
        `People consented to the payment of ${amount}; make the same request again.`,
        { code, retryable: true, payment },
      );
    case 'vetoed':
    case 'frozen':
    case 'refused':
      return new PaymentStopped(`The payment of ${amount} was stopped (${status}).`, {
        code,
        retryable: false,
        payment,
      });
    case 'expired':
    case 'void':
    case 'canceled':
      return new PaymentStopped(`The payment of ${amount} ended unpaid (${status}).`, {
        code,
        retryable: true,
        payment,
      });
    case 'settled':
    case 'mismatched':
      return unresolved(
        payment,
        `The payment of ${amount} is ${status}, and nothing is left to present.`,
        false,
      );
    case 'undecided':
    case 'authorized':
    case 'signing':
    case 'signed':
      return unresolved(payment, `The payment of ${amount} is not ready yet (${status}).`, true);
    default:
      return unreachable(status);
  }
}

function unresolved(payment: PaymentView, message: string, retryable: boolean): PaymentUnresolved {
  return new PaymentUnresolved(message, { code: 'payment_unresolved', retryable, payment });
}

/** Whether people have said all that is asked of them, though the payment may not be claimable for a moment yet. */
export function isConsented({ status, approval }: PaymentView): boolean {
  if (status === 'cleared') return true;
  return (
    approval?.requirement.kind === 'quorum' &&
    approval.grantedBy.length >= approval.requirement.quorum
  );
}

function insteadOf({ reasons, alternative }: PaymentView): string {
  // What a policy advises instead is about what it denies; nobody is to look for a way around a freeze.
  if (reasons.includes('frozen')) return ' Nothing is paid until a person lifts the freeze.';
  return alternative === undefined ? '' : ` Instead: ${alternative}`;
}

function waitText({ approval }: PaymentView): string {
  if (!approval) return '';
  const { requirement, openedAtMs, dueAtMs, grantedBy } = approval;
  const due = new Date(dueAtMs).toISOString();
  switch (requirement.kind) {
    case 'none':
      return '';
    case 'quorum': {
      const missing = requirement.quorum - grantedBy.length;
      return `: ${missing} more of ${requirement.approvers.join(', ')} until ${due}`;
    }
    case 'veto_window':
      if (openedAtMs !== null) return `, who may veto it until ${due}`;
      // The window opens when somebody has been told; what is due before that is the telling.
      return `, who are being told, by ${due} at the latest, and may then veto it for ${requirement.windowMs / 1_000} s`;
  }
}
