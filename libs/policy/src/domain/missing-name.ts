import {
  type CompiledBudget,
  type CompiledBudgets,
  NAMED_SCOPES,
  type NamedScope,
} from './budgets.ts';
import type { DecisionReason } from './reasons.ts';
import { sessionOver } from './session-check.ts';
import type { Subject } from './subject.ts';

/** What a payment would have to name, and the budget that is counted by it. */
export interface Missing {
  readonly scope: NamedScope;
  readonly budget: CompiledBudget;
  readonly reason: DecisionReason;
  /** What the facts say in place of a name. */
  readonly instead: string;
}

/** The first kind of name that these budgets need and the payment has not. */
export function missingName(
  { perNamed }: CompiledBudgets,
  { facts: { established }, task, session }: Subject,
): Missing | undefined {
  if (!perNamed.task && !perNamed.session) return undefined;
  const named = { task, session };
  for (const scope of NAMED_SCOPES) {
    const budget = perNamed[scope];
    if (!budget || named[scope] !== undefined) continue;
    const instead = established[scope] ?? 'none';
    return { scope, budget, reason: REASONS[scope](instead), instead };
  }
  return undefined;
}

const REASONS: Readonly<Record<NamedScope, (instead: string) => DecisionReason>> = {
  task: (instead) => (instead === 'unknown' ? 'task_unknown' : 'task_required'),
  session: (instead) => sessionOver(instead) ?? 'session_required',
};
