import type { Subject } from './subject.ts';

/**
 * What one condition says of one payment. `held`: it would be met, were it not for what the agent says of itself or how
 * it spelled the URL. A tier that is held does not take the payment, and no less strict tier may take it instead.
 */
export type Finding = 'met' | 'unmet' | 'held';

/**
 * What meeting the condition does: a tier is `permit`, prohibitions and flags are `restrict`. Asserted facts can make a
 * permit fail and a restriction hold, never the other way round.
 */
export type Use = 'permit' | 'restrict';

export interface Condition {
  readonly test: (subject: Subject) => Finding;
  readonly why: (subject: Subject, finding: Finding) => string;
}
