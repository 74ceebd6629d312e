export { type CompiledPolicy, compilePolicy } from './domain/compile.ts';
export { concludeDecision, decide } from './domain/conclude.ts';
export { withPolicyFacts } from './domain/policy-facts.ts';
export { type Candidates, type Plan, type TierPlan, planDecision } from './domain/plan.ts';
export { DECISION_REASONS, type DecisionReason } from './domain/reasons.ts';
export { type Replay, replayDecision } from './domain/replay.ts';
export { type Completed, asStrictAs, satisfiedBy, stricter } from './domain/strictness.ts';
export { RULES_VERSION } from './domain/version.ts';
