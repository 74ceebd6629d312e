export { type Opening, commit, commitmentOf, encodeOpenings, openedValue } from './commitments.ts';
export { DebtRunner, type Effect, type EffectResult, type Effects } from './debt-runner.ts';
export {
  type AppendOptions,
  type Folded,
  type IgnoredRecord,
  LaneHost,
  type ReadBack,
  expectApplied,
} from './lane-host.ts';
export { factsOf } from './facts.ts';
export { type Log, silentLog } from './logger.ts';
export { amountText, statusOf, viewOf } from './payment-view.ts';
export { Refused } from './refusal.ts';
export { type TrustedKeys, isGenuine, signStatement, verifyStatement } from './statements.ts';
export { type Timers, systemClock, systemTimers } from './timers.ts';
export { createHttpApp } from './http/app.ts';
export { type Caller, TheCaller, agentCaller, personOf } from './http/caller.ts';
export { OPEN } from './http/credential.guard.ts';
export { openApiDocument } from './http/openapi.ts';
export { Rejected } from './http/problem.filter.ts';
export { Route, RouteBody, RouteQuery } from './http/route.ts';
