import { CODES, type RefusalCode } from '@countersign/contracts';

/** The command does not apply. Carries a stable code; whether a retry helps is in the code's own entry. */
export class Refused extends Error {
  override readonly name = 'Refused';
  readonly code: RefusalCode;
  /** More for the caller: the field, the payment it collides with. */
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: RefusalCode, detail?: string, details: Readonly<Record<string, unknown>> = {}) {
    super(detail ?? CODES[code].title);
    this.code = code;
    this.details = details;
  }
}
