export { type ChangingEvent, changeOf, loosenedBy } from './domain/changes.ts';
export { type ControlJudgement, SCAN_STEP_BLOCKS, foldControl } from './domain/control.ts';
export { type FactSources, establishFacts, walletFor, withdrawalOf } from './domain/facts.ts';
export {
  laneOf,
  laneOfPayment,
  nonceOf,
  paymentIdOf,
  purchaseDigest,
  sameTerms,
} from './domain/ids.ts';
export {
  type Agent,
  type Judgement,
  type LaneState,
  agentOf,
  contextOf,
  emptyAgent,
  emptyLane,
  foldLane,
  OPEN_PAYMENTS_MAX,
  type SubmissionOutlook,
  outlook,
} from './domain/lane.ts';
export { type FoldLane, quarantining } from './domain/quarantine.ts';
export type { SetAside } from './domain/set-aside.ts';
export { EMPTY_HEAD, chainedHead, leafDigest } from './domain/leaf.ts';
export { digestOfAuthorization, isRunningOut } from './domain/life-signing.ts';
export { SKEW_MAX_MS } from './domain/life-steps.ts';
export {
  type TenantAlert,
  isStopped,
  outflowKey,
  takingKey,
  tenantAlertsOwed,
} from './domain/standing-stops.ts';
export {
  OUTCOMES_KEPT,
  type SettlementOutcome,
  facilitatorOf,
  unseenOf,
} from './domain/facilitators.ts';
export { type OutflowShown, unloggedBecause } from './domain/outflows.ts';
export { type Debt, owed } from './domain/owed.ts';
export {
  type Booked,
  type CountedFacts,
  type CounterNames,
  bookedOf,
  categoryOf,
  countersOf,
  scopesOf,
  tierScopeOf,
} from './domain/reservation.ts';
export {
  type Session,
  availableInSession,
  factsOfSession,
  sessionStanding,
} from './domain/session.ts';
export {
  type Cost,
  type Outcome,
  PLAN_CODE,
  type Plan,
  type Task,
  availableTo,
  costOf,
  factsOfTask,
  passedBy,
  stopAtOf,
  taskAlertsOwed,
} from './domain/task.ts';
export {
  type Approval,
  type EndedHow,
  type Fixed,
  type Payment,
  type Phase,
  type PhaseOf,
  type Reservation,
  type Transfer,
  approvalDueMs,
  approvalMet,
  fixedOf,
  isResolved,
  RETURN_DUE_MS,
  nothingBackSinceMs,
  type SessionFacts,
} from './domain/payment.ts';
export {
  type AgentTables,
  FOLD_VERSION,
  KEY_KEPT_MS,
  type KeyUse,
  type Purchase,
  type TablesOf,
} from './domain/tables.ts';
export { type WalletDebt, isQuiet, owedForWallets } from './domain/wallet-debts.ts';
export { type AccountWallet, type Wallet, isAccount } from './domain/wallets.ts';
export {
  type ControlView,
  EMPTY_CONTROL,
  EMPTY_TENANT,
  type PendingChange,
  type PolicyVersion,
  type Principal,
  type TenantView,
  type WalletFreezes,
  tenantOf,
  walletsOf,
} from './domain/tenant.ts';
