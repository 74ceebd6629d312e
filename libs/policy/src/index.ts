export { type PolicyCheck, checkPolicy } from './domain/check.ts';
export { type CompiledPolicy, compilePolicy } from './domain/compile.ts';
export { concludeDecision, decide, tellAvailable } from './domain/conclude.ts';
export { withPolicyFacts } from './domain/policy-facts.ts';
export {
  type Candidates,
  type Denied,
  type Plan,
  type TierPlan,
  planDecision,
} from './domain/plan.ts';
export { DECISION_REASONS, type DecisionReason } from './domain/reasons.ts';
export { type Replay, replayDecision } from './domain/replay.ts';
export { type Completed, asStrictAs, satisfiedBy } from './domain/strictness.ts';
export { type Spender, availableNow, planAvailable } from './domain/available.ts';
export { RULES_VERSION } from './domain/version.ts';
export { loosenings } from './domain/loosening.ts';
export { type PolicyReport, type TierReport, reportOn } from './domain/report.ts';
