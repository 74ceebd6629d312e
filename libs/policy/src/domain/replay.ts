import type { Decision, PolicyDocument, Verdict } from '@countersign/contracts';
import { InvariantViolation, canonicalText } from '@countersign/kernel';
import { type CompiledPolicy, compilePolicy } from './compile.ts';
import { concludeDecision, tellAvailable } from './conclude.ts';
import { planDecision } from './plan.ts';
import { RULES_VERSION } from './version.ts';

export interface Replay {
  /** Whether the recorded verdict is, to the letter, the one that follows from what was recorded beside it. */
  readonly agrees: boolean;
  /** The verdict that follows. */
  readonly verdict: Verdict;
}

/** A signer replays under the same document again and again; ten thousand recipients are compiled once. */
const COMPILED = new WeakMap<PolicyDocument, CompiledPolicy>();

/**
 * Decides again from the record alone, by the version of the rules it names. Total on everything that passed the
 * schemas: what cannot be replayed disagrees, and so does a decision by rules this program does not know yet.
 *
 * @param document parsed from the very bytes whose hash the decision names, which the caller has compared; null where
 *   the decision names no policy.
 */
export function replayDecision(document: PolicyDocument | null, decision: Decision): Replay {
  const { facts, answer, readings, rules = 1 } = decision;
  const policy = document && compiled(document, decision);
  const plan = planDecision(policy, facts, rules);
  const told =
    readings && plan.kind === 'denied' ? tellAvailable(plan, readings, rules) : undefined;
  const verdict = concludeDecision(policy, facts, told ?? plan, answer);
  // A denial before the counters leaves nothing to reserve: an answer beside it was not asked for by this plan. Nor were
  // readings that it does not tell.
  const sameShape =
    rules <= RULES_VERSION &&
    (document === null) === (decision.policy === null) &&
    (plan.kind === 'candidates' || answer === null) &&
    (readings === undefined) === (told === undefined);
  return { agrees: sameShape && sameText(verdict, decision.verdict), verdict };
}

function compiled(document: PolicyDocument, decision: Decision): CompiledPolicy {
  let policy = COMPILED.get(document);
  if (!policy) {
    policy = compilePolicy(document, decision.policy ?? { version: 0, hash: '' });
    COMPILED.set(document, policy);
  }
  return policy;
}

/** A recorded verdict that has no canonical form, such as one with a lone surrogate, equals none. */
function sameText(replayed: Verdict, recorded: Verdict): boolean {
  const expected = canonicalText(replayed);
  try {
    return canonicalText(recorded) === expected;
  } catch (error) {
    if (error instanceof InvariantViolation) return false;
    throw error;
  }
}
