import type { Requirement, Verdict } from '@countersign/contracts';

/** What people have done for a payment: the requirement that was completed, and who granted it. */
export interface Completed {
  readonly requirement: Requirement;
  readonly grantedBy: readonly string[];
}

/**
 * Whether everything a fresh verdict asks for was done already, so that a payment may go on after a wait. A fresh
 * verdict that denies is never satisfied; of grants, only those of people it still lists count; a veto window must have
 * been as long as the fresh one, or people have granted expressly. Consent that would now lapse sooner is not enough.
 */
export function satisfiedBy(
  fresh: Pick<Verdict, 'outcome' | 'requirement'>,
  completed: Completed,
): boolean {
  const { outcome, requirement } = fresh;
  if (outcome === 'deny') return false;
  if (requirement.kind === 'none') return outcome === 'allow';
  const done = completed.requirement;
  if (done.kind === 'none' || done.clearanceMs > requirement.clearanceMs) return false;
  if (done.kind === 'veto_window')
    return requirement.kind === 'veto_window' && done.windowMs >= requirement.windowMs;
  const granted = among(completed.grantedBy, done.approvers);
  if (granted.length < done.quorum) return false;
  if (requirement.kind === 'veto_window') return true;
  return among(granted, requirement.approvers).length >= requirement.quorum;
}

/**
 * Whether whoever completes `one` has thereby completed `other`: no person more is needed, no window is longer. Of two
 * requirements neither may be as strict as the other, when they ask different people.
 */
export function asStrictAs(one: Requirement, other: Requirement): boolean {
  if (other.kind === 'none') return true;
  if (one.kind === 'none') return false;
  if (other.kind === 'veto_window') return one.kind === 'quorum' || one.windowMs >= other.windowMs;
  if (one.kind !== 'quorum') return false;
  const strangers = new Set(one.approvers).size - among(one.approvers, other.approvers).length;
  return one.quorum - strangers >= other.quorum;
}

/** The distinct people who are listed. */
function among(people: readonly string[], listed: readonly string[]): string[] {
  const asked = new Set(listed);
  return [...new Set(people)].filter((person) => asked.has(person));
}

const OUTCOME_RANK = { allow: 0, review: 1, deny: 2 } as const;
const KIND_RANK = { none: 0, veto_window: 1, quorum: 2 } as const;

/**
 * The stricter of two verdicts on one payment: deny over review over allow, a quorum over a veto window, then more
 * people, fewer who may grant, a longer window. Of equals the second, which is to be the fresher one. Where both must
 * hold, such as at a claim, ask {@link satisfiedBy}: the stricter of two quorums need not imply the other.
 */
export function stricter(a: Verdict, b: Verdict): Verdict {
  const ofA = strictnessOf(a);
  const ofB = strictnessOf(b);
  const differs = ofA.findIndex((value, index) => value !== ofB[index]);
  return differs !== -1 && (ofA[differs] ?? 0) > (ofB[differs] ?? 0) ? a : b;
}

/** Numbers to compare from left to right; larger is stricter. */
function strictnessOf({ outcome, requirement }: Verdict): readonly number[] {
  const rank = [OUTCOME_RANK[outcome], KIND_RANK[requirement.kind]];
  switch (requirement.kind) {
    case 'none':
      return rank;
    case 'veto_window':
      return [...rank, requirement.windowMs, -requirement.clearanceMs];
    case 'quorum': {
      const { quorum, approvers, timeoutMs, clearanceMs } = requirement;
      return [...rank, quorum, -new Set(approvers).size, -timeoutMs, -clearanceMs];
    }
  }
}
