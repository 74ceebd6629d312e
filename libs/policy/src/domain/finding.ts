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
  /**
   * All that both rest on. Absent where it differs from payment to payment, as amounts and times do: what comes again is
   * found and told once.
   */
  readonly reads?: readonly Trait[] | undefined;
}

/** A prohibition, a flag, or what a tier has in common with them. */
export interface CompiledRule {
  readonly name: string;
  /** How the trace calls it, such as `tier:autonomous`. */
  readonly rule: string;
  readonly conditions: readonly Condition[];
  readonly alternative: string | undefined;
}

/** What one payment has in common with others. */
export type Trait =
  | 'agent'
  | 'asset'
  | 'category'
  | 'domain'
  | 'jurisdiction'
  | 'network'
  | 'payTo'
  | 'route'
  | 'seller'
  | 'trust';
