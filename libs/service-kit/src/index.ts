export {
  type Opening,
  commit,
  commitmentOf,
  encodeOpenings,
  openedValue,
  openingsOf,
} from './commitments.ts';
export { type Checkpoint, openCheckpoint, signCheckpoint } from './checkpoint.ts';
export {
  DebtRunner,
  type Duty,
  type Effect,
  type EffectResult,
  type Effects,
  type Meter,
  type Shell,
} from './debt-runner.ts';
export { type AppendOptions, LaneHost } from './lane-host.ts';
export type { StateOptions } from './log-fold.ts';
export { everyLane } from './every-lane.ts';
export { factsOf } from './facts.ts';
export { tellSetAside } from './tell-set-aside.ts';
export { type Log, silentLog } from './logger.ts';
export { nextLogTimeMs } from './next-log-time.ts';
export { amountText, viewOf } from './payment-view.ts';
export { planText } from './plan-text.ts';
export { statusOf } from './status.ts';
export {
  type Folded,
  type IgnoredRecord,
  type ReadBack,
  expectApplied,
  positionText,
} from './read-backs.ts';
export { Refused } from './refusal.ts';
export { shownSettings } from './shown-settings.ts';
export { isByHolder, isByPerson, isForged, personKeyOf } from './person-key.ts';
export { PIN, type Pin, pinText, readPin, trustedBy } from './pins.ts';
export { type TrustedKeys, isGenuine, ownEvent, signStatement } from './statements.ts';
export { type Timers, systemClock, systemTimers } from './timers.ts';
export { WalletDebtRunner, type WalletEffect, type WalletEffects } from './wallet-debt-runner.ts';
export type { Answered } from './http/observed-requests.ts';
export { type Probes, createHttpApp } from './http/app.ts';
export { type Caller, TheCaller, agentCaller, personOf } from './http/caller.ts';
export { OPEN, admitted } from './http/credential.guard.ts';
export { openApiDocument } from './http/openapi.ts';
export { Rejected, problemOf } from './http/problem.filter.ts';
export { unrecordableAt } from './http/unrecordable.ts';
export { Route, RouteBody, RouteParam, RouteQuery } from './http/route.ts';
export type { NamingRecord } from './recent-records.ts';
