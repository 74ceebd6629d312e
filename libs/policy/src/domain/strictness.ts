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
