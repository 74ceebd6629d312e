import type { PaymentView, Problem } from '@countersign/contracts';

/** What a {@link CountersignError} is made of. */
export interface CountersignErrorParts {
  readonly code: string;
  readonly detail: string;
  readonly retryable: boolean;
  /** HTTP status, or null where no answer came. */
  readonly status: number | null;
  readonly errors?: Problem['errors'];
  readonly paymentId?: string | undefined;
  readonly cause?: unknown;
}

/** Countersign refused a request, or could not be reached. A denied or vetoed payment is not this: it is a fact. */
export class CountersignError extends Error {
  override readonly name = 'CountersignError';
  /** Stable and lower_snake; `unavailable` where no answer came. */
  readonly code: string;
  readonly status: number | null;
  /** Whether the very same request may succeed later. Sending it again is always safe. */
  readonly retryable: boolean;
  readonly detail: string;
  /** What is wrong with which field, for `invalid_request`. */
  readonly errors: readonly { readonly path: string; readonly message: string }[];
  /** The payment that stands in the way, where there is one. */
  readonly paymentId: string | undefined;

  constructor(parts: CountersignErrorParts) {
    super(parts.detail, { cause: parts.cause });
    this.code = parts.code;
    this.status = parts.status;
    this.retryable = parts.retryable;
    this.detail = parts.detail;
    this.errors = parts.errors ?? [];
    this.paymentId = parts.paymentId;
  }
}

/** What a {@link GovernedPaymentError} is made of. */
export interface GovernedPaymentErrorParts {
  readonly code: string;
  readonly retryable: boolean;
  readonly payment?: PaymentView | undefined;
  readonly cause?: unknown;
}

/**
 * A paid request that brought no answer to use. Thrown as it is with code `scheme_not_supported` where the seller asks
 * for a kind of payment that Countersign does not sign, with `invalid_request` where request or offer are nothing that
 * can be bought, and with `wrong_authorization` where a signature does not fit.
 */
export class GovernedPaymentError extends Error {
  override readonly name: string = 'GovernedPaymentError';
  readonly code: string;
  /** Whether the very same request may succeed later. Making it again is always safe. */
  readonly retryable: boolean;
  readonly payment: PaymentView | undefined;
  /** What the policy suggests instead. */
  readonly alternative: string | undefined;

  constructor(message: string, parts: GovernedPaymentErrorParts) {
    super(message, { cause: parts.cause });
    this.code = parts.code;
    this.retryable = parts.retryable;
    this.payment = parts.payment;
    this.alternative = parts.payment?.alternative;
  }
}

/** A {@link GovernedPaymentError} that always knows its payment. */
abstract class PaymentOutcome extends GovernedPaymentError {
  declare readonly payment: PaymentView;

  constructor(
    message: string,
    parts: GovernedPaymentErrorParts & { readonly payment: PaymentView },
  ) {
    super(message, parts);
  }
}

/**
 * Policy denied the payment; nothing was signed. `alternative` says what to try instead, if the policy says so, and
 * `payment.available` what its limits leave.
 */
export class PaymentDenied extends PaymentOutcome {
  override readonly name = 'PaymentDenied';
}

/** People are asked, or have just consented; making the same request again continues this payment. */
export class AwaitingApproval extends PaymentOutcome {
  override readonly name = 'AwaitingApproval';

  /** What is waited for: how many grants by whom, or the end of a veto window. */
  get waitsFor() {
    return this.payment.approval?.requirement;
  }

  /** Until when people may answer, or, while a veto window has not opened, must have been told of it; or, once they consented, until when the payment can be claimed. */
  get untilMs(): number | undefined {
    return this.payment.clearedUntilMs ?? this.payment.approval?.dueAtMs;
  }
}

/** The payment ended unpaid: vetoed, expired, frozen or refused by the signer, or its authorization became void. */
export class PaymentStopped extends PaymentOutcome {
  override readonly name = 'PaymentStopped';
}

/**
 * Money may have moved, or has, and the paid answer did not arrive. The same request presents the same authorization
 * again; no other is ever signed for it.
 */
export class PaymentUnresolved extends PaymentOutcome {
  override readonly name = 'PaymentUnresolved';
  /** What the seller answered to the presented payment, if it answered. */
  readonly response: Response | undefined;

  constructor(
    message: string,
    parts: GovernedPaymentErrorParts & {
      readonly payment: PaymentView;
      readonly response?: Response | undefined;
    },
  ) {
    super(message, parts);
    this.response = parts.response;
  }
}
