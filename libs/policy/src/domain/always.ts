import { type Holding, sessionHoldings, taskHoldings } from './budgets.ts';
import type { CompiledPolicy } from './compile.ts';
import type { Limited } from './subject.ts';

/** What limits a payment whatever the tier: what people gave its task and its session first, then the policy's budgets. */
export function alwaysHoldings({ budgets, unitName }: CompiledPolicy, subject: Limited): Holding[] {
  return [
    ...taskHoldings(subject, unitName),
    ...sessionHoldings(subject, unitName),
    ...budgets.holdingsOf(subject),
  ];
}

/**
 * The same where nothing is decided by it. What people gave in another unit than the policy counts in is left out: no
 * counter says what is left of it.
 */
export function toldHoldings(policy: CompiledPolicy, subject: Limited): Holding[] {
  const { taskTerms, sessionUnit = policy.unitName } = subject.facts.established;
  const units = {
    ...{ task: taskTerms?.unit, session: sessionUnit },
    ...{ budget: policy.unitName, frequency: policy.unitName },
  };
  return alwaysHoldings(policy, subject).filter(
    ({ source }) => units[source.kind] === policy.unitName,
  );
}
